import type { LocalTime } from "#mesh";
import { instantAt, localTime, weekdayOf } from "#mesh";

export type BucketName = "hour" | "day" | "week" | "month";

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

/** About as many points as a chart shows. */
export function usualBucket(lengthMs: number): BucketName {
  if (lengthMs <= 3 * dayMs) return "hour";
  if (lengthMs <= 93 * dayMs) return "day";
  return lengthMs <= 200 * dayMs ? "week" : "month";
}

/**
 * When the buckets of a span begin, the first with the span. Days are as long as
 * the clocks of the place make them: 23 or 25 hours when they change.
 */
export function bucketStarts(
  fromMs: number,
  untilMs: number,
  bucket: BucketName,
  timeZone: string,
): number[] {
  const starts: number[] = [];
  const add = (ms: number) => {
    if (ms < untilMs && ms > (starts.at(-1) ?? fromMs)) starts.push(ms);
  };
  starts.push(fromMs);
  const period = bucket === "hour" ? "day" : bucket;
  let local = firstOf(localTime(fromMs, timeZone), period);
  let startMs = instantAt(local, timeZone);
  while (startMs < untilMs) {
    local = after(local, period);
    const endMs = instantAt(local, timeZone);
    if (bucket === "hour") for (let ms = startMs; ms < endMs; ms += hourMs) add(ms);
    else add(startMs);
    startMs = endMs;
  }
  return starts;
}

/** Which hour of the week, Monday 0:00 first, it is then. */
export function hourOfWeek(ms: number, timeZone: string): number {
  const local = localTime(ms, timeZone);
  return weekdayOf(local) * 24 + Math.floor(local.minutes / 60);
}

type Period = "day" | "week" | "month";

function firstOf(local: LocalTime, period: Period): LocalTime {
  const { day } = local;
  const first = { day, week: day - weekdayOf(local), month: 1 }[period];
  return normal({ ...local, day: first, minutes: 0 });
}

function after(local: LocalTime, period: Period): LocalTime {
  if (period === "month") return normal({ ...local, month: local.month + 1 });
  return normal({ ...local, day: local.day + (period === "week" ? 7 : 1) });
}

function normal({ year, month, day, minutes }: LocalTime): LocalTime {
  const date = new Date(Date.UTC(year, month - 1, day));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), minutes };
}
