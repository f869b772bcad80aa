import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Caller, UserIdentity } from "../call/identity.ts";
import type { LiveCall } from "../call/live-call.ts";
import type { MethodPolicy } from "../contract/policy.ts";
import { fail, reasonOf } from "../errors.ts";
import { createLasting } from "./lasting.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const user: UserIdentity = { id: "u1", email: "", sessionId: "s1", roles: [], permissions: ["note:read"] };

function open(caller: Caller = { user }, isPublic = false) {
  const state: { ended: unknown; finish: () => void } = { ended: undefined, finish: () => {} };
  const call = {
    caller,
    end: (reason: unknown) => {
      state.ended ??= reason;
    },
    onFinish: (run: () => void) => {
      state.finish = run;
    },
  } as unknown as LiveCall;
  const policy = {
    isPublic,
    allow: ({ user: of }: Caller) => {
      if (!of?.permissions.includes("note:read")) throw fail.denied("permission_denied", "not any more");
    },
  } as unknown as MethodPolicy;
  const stopping = new AbortController();
  const now: { caller: () => Caller; asked: number } = { caller: () => caller, asked: 0 };
  const lasts = createLasting({
    authenticate: () => {
      now.asked++;
      return { caller: now.caller(), userToken: "" };
    },
    stopping: stopping.signal,
  });
  lasts(call, policy, { header: () => undefined });
  return { state, now, stopping };
}
/** Calls of these, one after the other; gives back what ends each. */
function openAll(callers: readonly { caller: Caller }[], mostOfOne: number) {
  const lasts = createLasting({
    authenticate: () => ({ caller: {}, userToken: "" }),
    stopping: new AbortController().signal,
    mostOfOne,
  });
  const policy = { isPublic: true, allow: () => {} } as unknown as MethodPolicy;
  return callers.map(({ caller }) => {
    let finish = () => {};
    const call = {
      caller,
      onFinish: (run: () => void) => {
        finish = run;
      },
    } as unknown as LiveCall;
    try {
      lasts(call, policy, { header: () => undefined });
      return {
        open: true,
        finish: () => finish(),
        again: () => lasts(call, policy, { header: () => undefined }),
      };
    } catch (error) {
      return {
        open: reasonOf(error),
        finish: () => {},
        again: () => lasts(call, policy, { header: () => undefined }),
      };
    }
  });
}
const refused = (error: Error) => () => {
  throw error;
};

describe("a call that lasts", () => {
  test("goes on while whoever made it may", async () => {
    const { state, now } = open();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(state.ended).toBeUndefined();
    expect(now.asked).toBeGreaterThan(3600);
  });

  test.each([
    ["session is ended", fail.unauthenticated("session_ended", "x")],
    ["token has expired", fail.unauthenticated("token_expired", "x")],
  ])("ends within a second when the %s", async (_what, error) => {
    const { state, now } = open();
    await vi.advanceTimersByTimeAsync(10_000);
    now.caller = refused(error);
    await vi.advanceTimersByTimeAsync(1000);
    expect(state.ended).toBe(error);
  });

  test("ends when the right is gone", async () => {
    const { state, now } = open();
    now.caller = () => ({ user: { ...user, permissions: [] } });
    await vi.advanceTimersByTimeAsync(1000);
    expect(reasonOf(state.ended)).toBe("permission_denied");
  });

  test("goes on while nobody can tell, and beyond the statement of a service that acts for somebody", async () => {
    const service = { name: "gateway", scopes: [] };
    for (const [caller, error] of [
      [{ user }, fail.unavailable("keys_unavailable", "x")],
      [{ user, service }, fail.unauthenticated("token_expired", "x")],
    ] as const) {
      const { state, now } = open(caller);
      now.caller = refused(error);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(state.ended).toBeUndefined();
      now.caller = refused(fail.unauthenticated("session_ended", "x"));
      await vi.advanceTimersByTimeAsync(1000);
      expect(reasonOf(state.ended)).toBe("session_ended");
    }
  });

  test("is not looked at when it is over, public, or nobody's", async () => {
    const { state, now } = open();
    state.finish();
    const others = [open({ user }, true), open({})];
    await vi.advanceTimersByTimeAsync(10_000);
    expect([now, ...others.map((it) => it.now)].map(({ asked }) => asked)).toEqual([0, 0, 0]);
  });

  test("ends when the service stops", () => {
    const { state, stopping } = open();
    const reason = fail.unavailable("stopping", "going");
    stopping.abort(reason);
    expect(state.ended).toBe(reason);
  });
});

describe("calls that last", () => {
  test("are so many of one user at most, however they come, and of services as many as they need", () => {
    const service = { name: "gateway", scopes: [] };
    const mine = { caller: { user } };
    const through = { caller: { user, service } };
    const calls = openAll(
      [
        mine,
        through,
        mine,
        { caller: { user: { ...user, id: "u2" } } },
        ...Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? { caller: { service } } : { caller: {} })),
      ],
      2,
    );
    const more = "too_many_streams";
    const ten = Array.from({ length: 10 }, () => true);
    expect(calls.map(({ open }) => open)).toEqual([true, true, more, true, ...ten]);
    const [first, , third] = calls;
    expect(() => third?.again()).toThrow(/2 streams of yours/);
    first?.finish();
    expect(() => third?.again()).not.toThrow();
    expect(() => third?.again()).toThrow();
  });
});
