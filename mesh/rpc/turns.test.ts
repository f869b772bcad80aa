import { setImmediate as turn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { takeTurn } from "./turns.ts";

test("work begins once all that is there is known, in the order of its coming", async () => {
  const ran: number[] = [];
  for (let i = 0; i < 5; i++) takeTurn({ run: () => void ran.push(i) });
  await Promise.resolve();
  expect(ran).toEqual([]);
  await turn();
  expect(ran).toEqual([0, 1, 2, 3, 4]);
});

test("after a slice of work the network is looked at before more of it begins", async () => {
  let now = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  const ran: string[] = [];
  for (const name of ["a", "b", "c"]) {
    takeTurn({
      run: () => {
        ran.push(name);
        now += 3;
      },
    });
  }
  setImmediate(() => ran.push("network"));
  while (ran.length < 4) await turn();
  clock.mockRestore();
  expect(ran).toEqual(["a", "b", "network", "c"]);
});

test("work that brings more work does not keep it from beginning", async () => {
  const ran: string[] = [];
  takeTurn({
    run: () => {
      ran.push("first");
      takeTurn({ run: () => void ran.push("second") });
    },
  });
  while (ran.length < 2) await turn();
  expect(ran).toEqual(["first", "second"]);
});

test("none is lost or done twice, however much waits", async () => {
  const counts = new Uint8Array(5000);
  let now = 0;
  // Each takes a whole slice, so that the queue is looked at anew every time.
  const clock = vi.spyOn(performance, "now").mockImplementation(() => {
    now += 6;
    return now;
  });
  for (let i = 0; i < counts.length; i++) takeTurn({ run: () => void counts[i]!++ });
  while (counts.at(-1) === 0) await turn();
  clock.mockRestore();
  await turn();
  expect(counts.every((count) => count === 1)).toBe(true);
});
