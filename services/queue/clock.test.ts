import { expect, test } from "vitest";
import type { Database } from "#mesh";
import { createClock } from "./clock.ts";

/** A database whose clock shows this, and takes a while to answer. */
const databaseAt = (ms: () => number, answered: () => void) =>
  ({
    sql: async () => {
      answered();
      return [{ ms: ms() }];
    },
  }) as unknown as Database;

test("shows the database's time, whatever the own clock shows", async () => {
  let own = 5000;
  const db = databaseAt(
    () => 90_050,
    () => {
      own += 100;
    },
  );
  const clock = createClock(db, () => own);
  expect(clock.now()).toBe(5000);
  await clock.adjust();
  // Read when half of the hundred milliseconds had passed.
  expect(clock.now()).toBe(90_100);
  own += 1000;
  expect(clock.now()).toBe(91_100);
});
