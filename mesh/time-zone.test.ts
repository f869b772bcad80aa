import fc from "fast-check";
import { expect, test } from "vitest";
import { instantAt, isPlace, isTimeZone, localTime, weekdayOf } from "./time-zone.ts";

const zones = [
  "UTC",
  "Africa/Accra",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
];

test("what a clock shows is found again, whatever the zone, but for the hour that is there twice", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: Date.parse("2000-01-01"), max: Date.parse("2040-01-01") }),
      fc.constantFrom(...zones),
      (ms, zone) => {
        const shown = localTime(ms, zone);
        const again = instantAt(shown, zone);
        expect(localTime(again, zone)).toEqual(shown);
        expect(Math.floor(ms / 60_000) * 60_000 - again).toBeOneOf([0, 1_800_000, 3_600_000]);
      },
    ),
  );
});

test("a time that clocks leap over is the moment after", () => {
  const leapt = { year: 2026, month: 3, day: 29, minutes: 2 * 60 + 30 };
  expect(new Date(instantAt(leapt, "Europe/Berlin")).toISOString()).toBe("2026-03-29T01:30:00.000Z");
});

test("a time that is there twice is the first", () => {
  const twice = { year: 2026, month: 10, day: 25, minutes: 2 * 60 + 30 };
  expect(new Date(instantAt(twice, "Europe/Berlin")).toISOString()).toBe("2026-10-25T00:30:00.000Z");
});

test("days beyond the end of a month are those of the next, and Monday is 0", () => {
  const local = { year: 2026, month: 2, day: 30, minutes: 0 };
  expect(new Date(instantAt(local, "UTC")).toISOString()).toBe("2026-03-02T00:00:00.000Z");
  expect(weekdayOf(local)).toBe(0);
});

test("names of zones are told from others", () => {
  for (const zone of [...zones, "+05:30"]) expect(isTimeZone(zone), zone).toBe(true);
  for (const none of ["", "Mars/Olympus", "Europe/Berlin; drop"]) expect(isTimeZone(none), none).toBe(false);
});

test("names of places are no offsets", () => {
  expect(["UTC", "Africa/Accra", "Europe/Berlin"].every(isPlace)).toBe(true);
  expect(["+05:37", "Mars/Olympus", "", "-1", "Z0"].some(isPlace)).toBe(false);
});
