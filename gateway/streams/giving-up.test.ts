import { expect, test } from "vitest";
import { createGivingUp } from "./giving-up.ts";

test("waiting goes as what is waited for goes, until it is given up", async () => {
  const { giveUp, unless } = createGivingUp();
  expect(await unless(Promise.resolve(1))).toBe(1);
  await expect(unless(Promise.reject(new Error("mine")))).rejects.toThrow("mine");
  const forever = unless(new Promise(() => {}));
  giveUp(new Error("first"));
  giveUp(new Error("second"));
  await expect(forever).rejects.toThrow("first");
  await expect(unless(Promise.resolve(2))).rejects.toThrow("first");
});
