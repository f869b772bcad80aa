import { expect, test } from "vitest";
import { createTurns } from "./turns.ts";

test("work is done one at a time, in the order in which it came, also after a failure", async () => {
  const turn = createTurns();
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
