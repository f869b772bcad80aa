import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WeftError } from "../errors.ts";
import { type Bulkhead, type Cancellable, createBulkhead } from "./bulkhead.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const thrownBy = (act: () => unknown): WeftError => {
  try {
    act();
  } catch (error) {
    if (error instanceof WeftError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};
const settled = () => vi.advanceTimersByTimeAsync(0);

describe("a bulkhead of two places and two waiting", () => {
  let bulkhead: Bulkhead;
  let entered: string[];
  const enter = (name: string, timeoutMs = 1000, call?: Cancellable) => {
    const waiting = bulkhead.enter(timeoutMs, call);
    if (!waiting) entered.push(name);
    return (waiting ?? Promise.resolve()).then(() => {
      if (waiting) entered.push(name);
    });
  };
  beforeEach(() => {
    bulkhead = createBulkhead({ callee: "order", policy: { maxInFlight: 2, maxWaiting: 2 } });
    entered = [];
    enter("a");
    enter("b");
  });

  test("lets the first in at once, without a promise", () => {
    expect(entered).toEqual(["a", "b"]);
    expect(bulkhead.inFlight).toBe(2);
  });

  test("lets the next in as places come free, in their order", async () => {
    enter("c");
    enter("d");
    bulkhead.leave();
    await settled();
    expect(entered).toEqual(["a", "b", "c"]);
    bulkhead.leave();
    await settled();
    expect(entered).toEqual(["a", "b", "c", "d"]);
    expect(bulkhead.inFlight).toBe(2);
  });

  test("turns away whoever finds the queue full, and says how full", () => {
    enter("c");
    enter("d");
    const error = thrownBy(() => bulkhead.enter(1000));
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.reason).toBe("bulkhead_full");
    expect(error.rawMessage).toContain("2 calls to order are in flight and 2 wait");
  });

  test("lets nobody wait beyond the deadline, and the next are not kept by those who gave up", async () => {
    const late = expect(enter("c", 100)).rejects.toMatchObject({ reason: "bulkhead_wait" });
    enter("d", 5000);
    await vi.advanceTimersByTimeAsync(100);
    await late;
    bulkhead.leave();
    await settled();
    expect(entered).toEqual(["a", "b", "d"]);
  });

  test("throws at once when there is no time to wait", () => {
    expect(thrownBy(() => bulkhead.enter(0)).code).toBe(Code.DeadlineExceeded);
    bulkhead.leave();
    expect(bulkhead.enter(0)).toBeUndefined();
  });

  test("gives a cancelled call's place in the queue away at once", async () => {
    const call: Cancellable = { cancel: undefined };
    const cancelled = expect(enter("c", 1000, call)).rejects.toThrow("caller hung up");
    enter("d");
    call.cancel?.(new Error("caller hung up"));
    await cancelled;
    enter("e");
    bulkhead.leave();
    bulkhead.leave();
    await settled();
    expect(entered).toEqual(["a", "b", "d", "e"]);
    expect(call.cancel).toBeUndefined();
  });

  test("a call that has its place can no longer be cancelled out of it", async () => {
    const call: Cancellable = { cancel: undefined };
    enter("c", 1000, call);
    bulkhead.leave();
    expect(call.cancel).toBeUndefined();
    await settled();
    expect(entered).toContain("c");
  });

  test("leaves no timer behind", async () => {
    enter("c");
    bulkhead.leave();
    await settled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("tells of a leave without an enter", () => {
    bulkhead.leave();
    bulkhead.leave();
    expect(thrownBy(() => bulkhead.leave()).reason).toBe("bulkhead_misused");
  });

  test("waits however long a deadline is", async () => {
    enter("c", Number.POSITIVE_INFINITY);
    await vi.advanceTimersByTimeAsync(60_000);
    bulkhead.leave();
    await settled();
    expect(entered).toContain("c");
  });
});

test("whatever happens, places never exceed N, nobody is lost, and the order is kept", async () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("enter" as const),
        timeoutMs: fc.integer({ min: 0, max: 60 }),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ kind: "leave" as const }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(30) }) },
  );
  const world = fc.record({
    maxInFlight: fc.integer({ min: 1, max: 4 }),
    maxWaiting: fc.nat(5),
    steps: fc.array(step, { maxLength: 120, size: "max" }),
  });
  await fc.assert(
    fc.asyncProperty(world, async ({ maxInFlight, maxWaiting, steps }) => {
      const bulkhead = createBulkhead({ callee: "order", policy: { maxInFlight, maxWaiting } });
      let clock = 0;
      let held = 0;
      let model: { id: number; call: Cancellable; untilMs: number }[] = [];
      const got: number[] = [];
      const expected: number[] = [];
      const refused: number[] = [];
      let id = 0;
      const leave = async () => {
        bulkhead.leave();
        const next = model.shift();
        if (next) expected.push(next.id);
        else held--;
        await settled();
      };
      for (const move of steps) {
        if (move.kind === "enter") {
          const me = id++;
          const call: Cancellable = { cancel: undefined };
          const free = held < maxInFlight;
          const room = move.timeoutMs > 0 && model.length < maxWaiting;
          if (!free && !room) {
            expect(["bulkhead_full", "bulkhead_wait"]).toContain(
              thrownBy(() => bulkhead.enter(move.timeoutMs, call)).reason,
            );
            continue;
          }
          const waiting = bulkhead.enter(move.timeoutMs, call);
          expect(waiting === undefined).toBe(free);
          if (waiting) {
            model.push({ id: me, call, untilMs: clock + move.timeoutMs });
            waiting.then(
              () => got.push(me),
              () => refused.push(me),
            );
          } else held++;
        }
        if (move.kind === "leave" && held > 0) await leave();
        if (move.kind === "cancel" && model.length > 0) {
          const [gone] = model.splice(move.which % model.length, 1);
          gone?.call.cancel?.(new Error("cancelled"));
          await settled();
          expect(refused).toContain(gone?.id);
        }
        if (move.kind === "wait") {
          clock += move.ms;
          await vi.advanceTimersByTimeAsync(move.ms);
          model = model.filter(({ untilMs }) => untilMs > clock);
        }
        expect(bulkhead.inFlight).toBe(held);
        expect(bulkhead.inFlight).toBeLessThanOrEqual(maxInFlight);
        expect(bulkhead.waiting).toBe(model.length);
        expect(got).toEqual(expected);
      }
      while (held > 0) await leave();
      expect(bulkhead.inFlight + bulkhead.waiting).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 60 },
  );
});
