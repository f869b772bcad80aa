import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reasonOf } from "#mesh";
import { createGate, defaultConcurrency, requireRoom } from "./gate.ts";

/** Work that ends when told to. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let started = false;
  const run = () => {
    started = true;
    return promise;
  };
  return { run, resolve, reject, isStarted: () => started };
}

const ticks = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

describe("gate", () => {
  test("runs so much at once, keeps so much waiting, and turns the rest away", async () => {
    const gate = createGate({ concurrency: 2, queue: 3 });
    const works = Array.from({ length: 6 }, work);
    const runs = works.map((it) => gate.run(it.run).catch(reasonOf));
    await ticks();
    expect(works.map((it) => it.isStarted())).toEqual([true, true, false, false, false, false]);
    expect({ running: gate.running, waiting: gate.waiting }).toEqual({ running: 2, waiting: 3 });
    expect(() => requireRoom(gate)).toThrow(/3 password hashes are waiting/);
    expect(await runs[5]).toBe("busy");
    for (const it of works) it.resolve("done");
    expect(await Promise.all(runs.slice(0, 5))).toEqual(Array(5).fill("done"));
    expect({ running: gate.running, waiting: gate.waiting }).toEqual({ running: 0, waiting: 0 });
  });

  test("says when to come back", async () => {
    const gate = createGate({ concurrency: 1, queue: 0 });
    const first = work();
    const run = gate.run(first.run);
    await expect(gate.run(async () => "never")).rejects.toMatchObject({ reason: "busy", retryAfterMs: 1000 });
    first.resolve("done");
    await run;
  });

  test("lets those who wait in by the order in which they came", async () => {
    const gate = createGate({ concurrency: 1, queue: 10 });
    const order: number[] = [];
    await Promise.all([1, 2, 3, 4].map((n) => gate.run(async () => order.push(n))));
    expect(order).toEqual([1, 2, 3, 4]);
  });

  test("work that fails makes room like work that succeeds", async () => {
    const gate = createGate({ concurrency: 1, queue: 1 });
    await expect(gate.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await gate.run(async () => "next")).toBe("next");
  });

  test("who hangs up while waiting gives his place to others and costs no hash", async () => {
    const gate = createGate({ concurrency: 1, queue: 1 });
    const first = work();
    const running = gate.run(first.run);
    const caller = new AbortController();
    const second = work();
    const waiting = gate.run(second.run, caller.signal);
    caller.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    const third = gate.run(async () => "third");
    first.resolve("first");
    expect(await Promise.all([running, third])).toEqual(["first", "third"]);
    expect(second.isStarted()).toBe(false);
  });

  test("never exceeds its bounds, whatever comes and goes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 5 }),
        fc.array(fc.constantFrom("enter", "finish", "hang up"), { maxLength: 60 }),
        async (concurrency, queue, steps) => {
          const gate = createGate({ concurrency, queue });
          const inside: ReturnType<typeof work>[] = [];
          const callers: AbortController[] = [];
          const runs: Promise<unknown>[] = [];
          for (const step of steps) {
            if (step === "enter") {
              const it = work();
              const caller = new AbortController();
              inside.push(it);
              callers.push(caller);
              runs.push(gate.run(it.run, caller.signal).catch(() => {}));
            } else if (step === "finish") inside.find((it) => it.isStarted())?.resolve("done");
            else callers.pop()?.abort();
            await ticks();
            expect(gate.running).toBeLessThanOrEqual(concurrency);
            expect(gate.waiting).toBeLessThanOrEqual(queue);
          }
          for (const it of inside) it.resolve("done");
          await Promise.all(runs);
          expect({ running: gate.running, waiting: gate.waiting }).toEqual({ running: 0, waiting: 0 });
        },
      ),
    );
  });
});

test("hashes leave a core and a thread for everything else", () => {
  expect(defaultConcurrency(1, 4)).toBe(1);
  expect(defaultConcurrency(2, 4)).toBe(1);
  expect(defaultConcurrency(4, 4)).toBe(3);
  expect(defaultConcurrency(64, 4)).toBe(3);
});
