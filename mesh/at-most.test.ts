import { expect, test, vi } from "vitest";
import { atMost } from "./at-most.ts";

test("work is done one at a time, in the order in which it came, also after a failure", async () => {
  const turn = atMost(1);
  const [done, gate]: [string[], PromiseWithResolvers<void>] = [[], Promise.withResolvers<void>()];
  const first = turn(async () => {
    await gate.promise;
    done.push("first");
    throw new Error("no");
  });
  const others = ["second", "third"].map((name) => turn(async () => void done.push(name)));
  await Promise.resolve();
  expect(done).toEqual([]);
  gate.resolve();
  await expect(first).rejects.toThrow("no");
  await Promise.all(others);
  expect(done).toEqual(["first", "second", "third"]);
});

test("no more than so many are at work, and each place is taken again when it is free", async () => {
  const turn = atMost(2);
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const begun: number[] = [];
  const all = gates.map(({ promise }, n) =>
    turn(() => {
      begun.push(n);
      return promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  gates[1]!.resolve();
  await all[1];
  await vi.waitFor(() => expect(begun).toEqual([0, 1, 2]));
  for (const { resolve } of gates) resolve();
  await Promise.all(all);
  expect(begun).toEqual([0, 1, 2, 3]);
});
