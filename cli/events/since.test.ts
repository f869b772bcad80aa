import { expect, test } from "vitest";
import { parseSince } from "./since.ts";

const now = new Date(2026, 0, 31, 12, 0, 0);
const since = (text: string) => parseSince(text, now.getTime());

test("a time is so long ago, on this day, or a date", () => {
  expect(since("10m")).toEqual(new Date(2026, 0, 31, 11, 50, 0));
  expect(since("2d")).toEqual(new Date(2026, 0, 29, 12, 0, 0));
  expect(since("9:30")).toEqual(new Date(2026, 0, 31, 9, 30, 0));
  expect(since("09:30:15")).toEqual(new Date(2026, 0, 31, 9, 30, 15));
  expect(since("2026-01-30T08:00Z")).toEqual(new Date("2026-01-30T08:00:00Z"));
});

test.each(["", "soon", "10", "-5m", "25:00", "9:75", "2026-13-01", "1"])("%j is no time", (text) => {
  expect(since(text)).toBeUndefined();
});
