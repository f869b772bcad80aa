import { describe, expect, test } from "vitest";
import { reasonOf, WeftError } from "#mesh";
import type { Timing } from "./cron.ts";
import { nextTime, requireTiming } from "./cron.ts";

const timesOf = (cron: string, timeZone: string, after: string, count: number): string[] => {
  const times: string[] = [];
  let last = Date.parse(after);
  for (let i = 0; i < count; i++) {
    const next = nextTime({ cron, timeZone }, last);
    if (!next) break;
    last = next.getTime();
    times.push(next.toISOString().replace(":00.000Z", "Z"));
  }
  return times;
};

const newYork = "America/New_York";

describe("when clocks are put forward", () => {
  test.each([
    ["a time of day", "30 2 * * *", ["2025-03-08T07:30Z", "2025-03-09T07:00Z", "2025-03-10T06:30Z"]],
    [
      "a time that names its second",
      "0 30 2 * * *",
      ["2025-03-08T07:30Z", "2025-03-09T07:00Z", "2025-03-10T06:30Z"],
    ],
    [
      "several times in the hour",
      "0,30 2 * * *",
      ["2025-03-08T07:00Z", "2025-03-08T07:30Z", "2025-03-09T07:00Z", "2025-03-10T06:00Z"],
    ],
  ])("%s in the hour that is missing comes once, after it", (_, cron, expected) => {
    expect(timesOf(cron, newYork, "2025-03-08T06:00:00Z", expected.length)).toEqual(expected);
  });

  test("what comes each hour comes each hour", () => {
    expect(timesOf("0 * * * *", newYork, "2025-03-09T05:30:00Z", 3)).toEqual([
      "2025-03-09T06:00Z",
      "2025-03-09T07:00Z",
      "2025-03-09T08:00Z",
    ]);
  });

  test("also where that happens at midnight, or by half an hour", () => {
    expect(timesOf("30 0 * * *", "America/Santiago", "2025-09-05T12:00:00Z", 3)).toEqual([
      "2025-09-06T04:30Z",
      "2025-09-07T04:00Z",
      "2025-09-08T03:30Z",
    ]);
    expect(timesOf("15 2 * * *", "Australia/Lord_Howe", "2025-10-04T00:00:00Z", 2)).toEqual([
      "2025-10-04T15:30Z",
      "2025-10-05T15:15Z",
    ]);
  });
});

describe("when clocks are put back", () => {
  test.each([
    ["30 1 * * *", ["2025-11-02T05:30Z", "2025-11-03T06:30Z"]],
    ["0,30 1 * * *", ["2025-11-02T05:00Z", "2025-11-02T05:30Z", "2025-11-03T06:00Z"]],
  ])("%s in the hour that comes twice comes in the first of them alone", (cron, expected) => {
    expect(timesOf(cron, newYork, "2025-11-02T03:00:00Z", expected.length)).toEqual(expected);
  });

  test("what comes each hour comes in both", () => {
    expect(timesOf("0 * * * *", newYork, "2025-11-02T04:30:00Z", 3)).toEqual([
      "2025-11-02T05:00Z",
      "2025-11-02T06:00Z",
      "2025-11-02T07:00Z",
    ]);
  });
});

describe("a timing", () => {
  const refusalOf = (timing: Partial<Timing>) => {
    try {
      requireTiming({ cron: "0 0 * * *", timeZone: "UTC", ...timing }, 0);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      return `${reasonOf(error)}: ${error.rawMessage}`;
    }
    return "";
  };

  test("is taken in each usual form", () => {
    for (const cron of ["*/5 * * * *", "30 6 * JAN-mar mon-FRI", "0 0 L * *", "*/10 * * * * *"]) {
      expect(refusalOf({ cron })).toBe("");
    }
    for (const timeZone of ["UTC", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]) {
      expect(refusalOf({ timeZone })).toBe("");
    }
  });

  test("is refused with what is wrong with it", () => {
    expect(refusalOf({ cron: "61 * * * *" })).toMatch(/^bad_cron: .*minute: 61; write minute, hour/);
    for (const cron of ["", "* * *", "@daily", "* * * * * * *", "2030-01-01T00:00:00", "*/0 * * * *"]) {
      expect(refusalOf({ cron })).toMatch(/^bad_cron: /);
    }
    expect(refusalOf({ cron: "0 0 30 2 *" })).toMatch(/never comes; see whether/);
    for (const timeZone of ["Mars/Olympus", "", "+05:00", "-03"]) {
      expect(refusalOf({ timeZone })).toMatch(/^bad_time_zone: .*use an IANA name/);
    }
  });
});
