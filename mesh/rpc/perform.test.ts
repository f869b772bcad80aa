import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { Call } from "../call/call.ts";
import { currentCall } from "../call/call.ts";
import type { LiveCall } from "../call/live-call.ts";
import { fail } from "../errors.ts";
import { failureOf, untilEnded } from "./perform.ts";

/** As much of a call as this needs. */
function open() {
  const listeners = new Set<() => void>();
  const call = {
    method: "probe.v1.ProbeService/Echo",
    ended: undefined as unknown,
    onEnd(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    call: call as unknown as LiveCall,
    listeners,
    end(reason: unknown) {
      call.ended = reason;
      for (const listener of listeners) listener();
    },
  };
}
const reason = fail.canceled("canceled", "enough");

describe("work within a call", () => {
  test("gives what it gives, at once or later, and is inside its call", async () => {
    const { call, listeners } = open();
    expect(await untilEnded(call, () => 1)).toBe(1);
    let inside: Call | undefined;
    const later = untilEnded(call, async () => {
      await null;
      inside = currentCall();
      return 2;
    });
    expect(await later).toBe(2);
    expect([inside, currentCall(), listeners.size]).toEqual([call, undefined, 0]);
  });

  test("fails as it fails, at once or later", async () => {
    const { call, listeners } = open();
    const error = new Error("no");
    await expect(
      untilEnded(call, () => {
        throw error;
      }),
    ).rejects.toBe(error);
    await expect(untilEnded(call, () => Promise.reject(error))).rejects.toBe(error);
    await expect(untilEnded(call, () => Promise.reject(undefined))).rejects.toBeUndefined();
    expect(listeners.size).toBeLessThanOrEqual(1);
  });

  test("is not waited for when the call is ended, and what becomes of it then hurts nobody", async () => {
    const { call, end } = open();
    let fails = (_: Error) => {};
    const work = untilEnded(call, () => new Promise((_, reject) => (fails = reject)));
    end(reason);
    await expect(work).rejects.toBe(reason);
    fails(new Error("much later"));
    await new Promise((resolve) => setImmediate(resolve));
  });

  test("of a call that is over does not begin", async () => {
    const { call, end } = open();
    end(reason);
    let began = false;
    const work = untilEnded(call, () => {
      began = true;
    });
    await expect(work).rejects.toBe(reason);
    expect(began).toBe(false);
  });
});

describe("the error of a call", () => {
  const thrown = new Error("query failed");

  test("is what was thrown, as the wire may see it", () => {
    const { call } = open();
    const own = fail.notFound("x", "y");
    expect(failureOf(call, own)).toBe(own);
    expect(failureOf(call, thrown)).toMatchObject({ code: Code.Internal, cause: thrown });
  });

  test("is why the call was ended, whatever its handler threw on the way down", () => {
    const { call, end } = open();
    end(reason);
    expect(failureOf(call, thrown)).toBe(reason);
  });

  test.each([
    ["of ours", fail.deadline("deadline_exceeded", "late")],
    ["of the protocol library", new ConnectError("late", Code.DeadlineExceeded)],
    ["of a signal", new DOMException("late", "TimeoutError")],
  ])("is the deadline when that was it, in the words %s", (_whose, late) => {
    const { call, end } = open();
    end(late);
    const error = failureOf(call, thrown);
    expect([error.code, error.cause]).toEqual([Code.DeadlineExceeded, thrown]);
    expect(error.rawMessage).toBe("probe.v1.ProbeService/Echo did not end within its deadline");
  });
});
