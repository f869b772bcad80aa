import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instantAt, isTimeZone, localTime } from "#mesh";
import { minutesOf } from "./clock-time.ts";
import { digestAt } from "./digest-time.ts";
import { quietUntil } from "./quiet-hours.ts";

const zones = [
  "UTC",
  "Africa/Accra",
  "America/New_York",
  "Europe/Berlin",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
];
const zone = fc.constantFrom(...zones);
const time = fc.integer({ min: 0, max: 24 * 60 - 1 });
const write = (minutes: number) =>
  `${`${Math.floor(minutes / 60)}`.padStart(2, "0")}:${`${minutes % 60}`.padStart(2, "0")}`;
const moment = fc.integer({ min: Date.parse("2024-01-01"), max: Date.parse("2034-01-01") });
const hourMs = 3_600_000;

const at = (now: string, start: string, end: string, timeZone: string) => {
  const until = quietUntil(Date.parse(now), { start, end, timeZone });
  return until === undefined ? undefined : new Date(until).toISOString();
};

describe("quiet hours", () => {
  test("end in the morning when they go over midnight", () => {
    expect(at("2031-01-15T23:00:00Z", "22:00", "07:00", "UTC")).toBe("2031-01-16T07:00:00.000Z");
    expect(at("2031-01-16T06:59:59Z", "22:00", "07:00", "UTC")).toBe("2031-01-16T07:00:00.000Z");
    expect(at("2031-01-16T07:00:00Z", "22:00", "07:00", "UTC")).toBeUndefined();
    expect(at("2031-12-31T13:00:00Z", "12:00", "14:00", "UTC")).toBe("2031-12-31T14:00:00.000Z");
    expect(at("2031-12-31T23:00:00Z", "22:00", "07:00", "UTC")).toBe("2032-01-01T07:00:00.000Z");
  });

  test("keep to the clock on the wall when it is put forward or back", () => {
    // 2031-03-09 at two in New York, and back on 2031-11-02.
    expect(at("2031-03-09T04:00:00Z", "22:00", "07:00", "America/New_York")).toBe("2031-03-09T11:00:00.000Z");
    expect(at("2031-11-02T03:00:00Z", "22:00", "07:00", "America/New_York")).toBe("2031-11-02T12:00:00.000Z");
    // There is no half past two that night.
    expect(at("2031-03-09T04:00:00Z", "22:00", "02:30", "America/New_York")).toBe("2031-03-09T07:30:00.000Z");
  });

  test("are over when they say so, at most a day and an hour later", () => {
    fc.assert(
      fc.property(moment, time, time, zone, (now, start, end, timeZone) => {
        fc.pre(start !== end);
        const hours = { start: write(start), end: write(end), timeZone };
        const until = quietUntil(now, hours);
        if (until === undefined) return;
        expect(until).toBeGreaterThan(now);
        expect(until - now).toBeLessThanOrEqual(25 * hourMs);
        const shown = localTime(until, timeZone).minutes;
        // But in the night that clocks are put forward, when the end may not exist.
        expect((shown - end + 24 * 60) % (24 * 60)).toBeLessThanOrEqual(60);
      }),
    );
  });
});

test("a clock shows the time that an instant was found for", () => {
  fc.assert(
    fc.property(moment, zone, (now, timeZone) => {
      const local = localTime(now, timeZone);
      expect(localTime(instantAt(local, timeZone), timeZone)).toEqual(local);
    }),
  );
  expect(minutesOf("07:30")).toBe(450);
  expect([isTimeZone("Africa/Accra"), isTimeZone("Mars/Olympus"), isTimeZone("")]).toEqual([
    true,
    false,
    false,
  ]);
});

test("a digest goes out at eight, on the next day or the next Monday", () => {
  fc.assert(
    fc.property(moment, zone, fc.constantFrom("daily", "weekly"), (now, timeZone, digest) => {
      const due = digestAt(now, digest, timeZone);
      expect(due).toBeGreaterThan(now);
      expect(due - now).toBeLessThanOrEqual((digest === "daily" ? 1 : 7) * 24 * hourMs + hourMs);
      const local = localTime(due, timeZone);
      expect(local.minutes).toBe(8 * 60);
      const weekday = new Date(Date.UTC(local.year, local.month - 1, local.day)).getUTCDay();
      if (digest === "weekly") expect(weekday).toBe(1);
    }),
  );
});
