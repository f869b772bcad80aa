import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Caller, UserIdentity } from "../call/identity.ts";
import type { LiveCall } from "../call/live-call.ts";
import type { MethodPolicy } from "../contract/policy.ts";
import { fail, reasonOf } from "../errors.ts";
import { endInTime } from "./lasting.ts";

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
  endInTime(call, {
    policy,
    arrival: { header: () => undefined },
    authenticate: () => {
      now.asked++;
      return { caller: now.caller(), userToken: "" };
    },
    stopping: stopping.signal,
  });
  return { state, now, stopping };
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
