import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { untilLate } from "./until-late.ts";

async function* countTo(most: number, thenHang: boolean) {
  for (let at = 1; at <= most; at++) {
    await sleep(1);
    yield at;
  }
  if (thenHang) await new Promise(() => {});
}

const gather = async (source: AsyncIterable<number>) => {
  const all: number[] = [];
  for await (const it of source) all.push(it);
  return all;
};

test("all of it, when it ends by itself", async () => {
  expect(await gather(untilLate(countTo(3, false), new AbortController().signal, 0))).toEqual([1, 2, 3]);
});

test("what comes within the time after the signal, and then the end, also of what never ends", async () => {
  const ending = new AbortController();
  const gathered = gather(untilLate(countTo(3, true), ending.signal, 100));
  ending.abort();
  expect(await gathered).toEqual([1, 2, 3]);
  expect(await gather(untilLate(countTo(0, true), AbortSignal.abort(), 0))).toEqual([]);
});
