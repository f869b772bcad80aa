import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BucketName } from "./buckets.ts";
import { bucketStarts, hourOfWeek, usualBucket } from "./buckets.ts";

const hourMs = 3_600_000;
const starts = (from: string, until: string, bucket: BucketName, zone: string) =>
  bucketStarts(Date.parse(from), Date.parse(until), bucket, zone).map((ms) =>
    new Date(ms).toISOString().slice(0, 16),
  );

describe("days in Berlin", () => {
  test("have 23 hours when clocks go forward", () => {
    const days = starts("2031-03-28T23:00Z", "2031-03-31T22:00Z", "day", "Europe/Berlin");
    expect(days).toEqual(["2031-03-28T23:00", "2031-03-29T23:00", "2031-03-30T22:00"]);
    expect(starts("2031-03-29T23:00Z", "2031-03-30T22:00Z", "hour", "Europe/Berlin")).toHaveLength(23);
  });

  test("have 25 when they go back", () => {
    const days = starts("2031-10-25T22:00Z", "2031-10-27T23:00Z", "day", "Europe/Berlin");
    expect(days).toEqual(["2031-10-25T22:00", "2031-10-26T23:00"]);
    expect(starts("2031-10-25T22:00Z", "2031-10-26T23:00Z", "hour", "Europe/Berlin")).toHaveLength(25);
  });
});

test("days and hours of a half-hour zone begin at the half hour of UTC", () => {
  expect(starts("2031-05-01T00:00Z", "2031-05-03T00:00Z", "day", "Asia/Kolkata")).toEqual([
    "2031-05-01T00:00",
    "2031-05-01T18:30",
    "2031-05-02T18:30",
  ]);
  expect(starts("2031-05-01T00:00Z", "2031-05-01T02:00Z", "hour", "Asia/Kolkata")).toEqual([
    "2031-05-01T00:00",
    "2031-05-01T00:30",
    "2031-05-01T01:30",
  ]);
});

test("a day whose midnight is skipped begins when the clock goes on", () => {
  // In Beirut clocks go from 0:00 to 1:00.
  expect(starts("2027-03-27T22:00Z", "2027-03-29T00:00Z", "day", "Asia/Beirut")).toEqual([
    "2027-03-27T22:00",
    "2027-03-28T21:00",
  ]);
});

test("weeks begin on Monday, months on the first", () => {
  expect(starts("2031-01-01T00:00Z", "2031-01-14T00:00Z", "week", "UTC")).toEqual([
    "2031-01-01T00:00",
    "2031-01-06T00:00",
    "2031-01-13T00:00",
  ]);
  expect(starts("2030-11-15T00:00Z", "2031-02-01T00:00Z", "month", "Africa/Accra")).toEqual([
    "2030-11-15T00:00",
    "2030-12-01T00:00",
    "2031-01-01T00:00",
  ]);
});

test("whatever is asked for, buckets rise, begin with the span and stay in it", () => {
  const zones = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"];
  const first = Date.parse("2025-01-01T00:00Z") / 900_000;
  const time = fc.integer({ min: first, max: first + 4 * 365 * 96 });
  fc.assert(
    fc.property(
      time,
      fc.integer({ min: 1, max: 96 * 40 }),
      fc.constantFrom<BucketName>("hour", "day", "week", "month"),
      fc.constantFrom(...zones),
      (from, length, bucket, zone) => {
        const [fromMs, untilMs] = [from * 900_000, (from + length) * 900_000];
        const all = bucketStarts(fromMs, untilMs, bucket, zone);
        expect(all[0]).toBe(fromMs);
        const most = { hour: 1, day: 25, week: 7 * 24 + 1, month: 31 * 24 + 1 }[bucket] * hourMs;
        for (const [index, ms] of all.entries()) {
          const next = all[index + 1] ?? untilMs;
          expect(next).toBeGreaterThan(ms);
          expect(next - ms).toBeLessThanOrEqual(most);
          expect(ms % 900_000).toBe(0);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test("the hours of a week count from Monday, by the clock of the place", () => {
  expect(hourOfWeek(Date.parse("2031-01-06T00:00Z"), "UTC")).toBe(0);
  expect(hourOfWeek(Date.parse("2031-01-05T23:00Z"), "UTC")).toBe(167);
  expect(hourOfWeek(Date.parse("2031-01-05T18:30Z"), "Asia/Kolkata")).toBe(0);
});

test("a chart has a sensible number of points when nobody says", () => {
  const days = (count: number) => usualBucket(count * 24 * hourMs);
  expect([days(1), days(30), days(150), days(400)]).toEqual(["hour", "day", "week", "month"]);
});
