import { instantAt, localTime } from "#mesh";
import { minutesOf } from "./clock-time.ts";

export interface QuietHours {
  /** Such as `22:00`. */
  readonly start: string;
  readonly end: string;
  readonly timeZone: string;
}

/** When the quiet hours that it is in are over; nothing when it is in none. */
export function quietUntil(nowMs: number, { start, end, timeZone }: QuietHours): number | undefined {
  const local = localTime(nowMs, timeZone);
  const [from, until] = [minutesOf(start), minutesOf(end)];
  const overMidnight = from > until;
  const isQuiet = overMidnight
    ? local.minutes >= from || local.minutes < until
    : local.minutes >= from && local.minutes < until;
  if (!isQuiet) return undefined;
  const nextDay = overMidnight && local.minutes >= from;
  const overMs = instantAt({ ...local, day: local.day + (nextDay ? 1 : 0), minutes: until }, timeZone);
  // Where clocks are put back within them, the end may have been already.
  return overMs > nowMs ? overMs : undefined;
}
