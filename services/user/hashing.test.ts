import { expect, test } from "vitest";
import { createHashing } from "./hashing.ts";

test("hashes are argon2id with the parameters of today, which the text names", async () => {
  const stored = await createHashing().hash("correct horse");
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
});

test("a hash fits its password only", async () => {
  const hashing = createHashing({ memoryKiB: 64, passes: 1, lanes: 1 });
  const stored = await hashing.hash("correct horse");
  expect(await hashing.verify(stored, "correct horse")).toBe(true);
  expect(await hashing.verify(stored, "correct mule")).toBe(false);
});

test("a hash of other parameters still fits, and is stale", async () => {
  const old = createHashing({ memoryKiB: 64, passes: 1, lanes: 1 });
  const today = createHashing({ memoryKiB: 128, passes: 1, lanes: 1 });
  const stored = await old.hash("correct horse");
  expect(await today.verify(stored, "correct horse")).toBe(true);
  expect(today.isStale(stored)).toBe(true);
  expect(old.isStale(stored)).toBe(false);
});
