import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Bucket, type Span as ShownSpan } from "#gen/analytics/v1/analytics_pb.js";
import { isPlace } from "#mesh";
import type { BucketName } from "./buckets.ts";
import { usualBucket } from "./buckets.ts";
import { badSpan, badTimeZone } from "./refusals.ts";
import { quarterMs } from "./rollup-lines.ts";

/** A time that is asked for, in whole quarters of an hour. */
export interface Span {
  readonly fromMs: number;
  /** Without it itself. */
  readonly untilMs: number;
  readonly timeZone: string;
}

const dayMs = 24 * 60 * 60_000;
const usualMs = 30 * dayMs;
const longestMs = 400 * dayMs;
/** What PostgreSQL and JavaScript both take for a time. */
const [earliestMs, latestMs] = [Date.parse("1900-01-01T00:00:00Z"), Date.parse("+010000-01-01T00:00:00Z")];

const quarterBefore = (ms: number): number => Math.floor(ms / quarterMs) * quarterMs;
export const quarterAfter = (ms: number): number => Math.ceil(ms / quarterMs) * quarterMs;

export function spanOf(shown: ShownSpan | undefined, nowMs: number): Span {
  const { timeZone = "" } = shown ?? {};
  if (timeZone !== "" && !isPlace(timeZone)) throw badTimeZone(timeZone);
  const untilMs = quarterAfter(msOf(shown?.until) ?? nowMs);
  const fromMs = quarterBefore(msOf(shown?.from) ?? untilMs - usualMs);
  if (fromMs >= untilMs) throw badSpan("ends before it begins");
  if (untilMs - fromMs > longestMs + quarterMs) throw badSpan("is longer than 400 days");
  return { fromMs, untilMs, timeZone: timeZone || "UTC" };
}

function msOf(timestamp: Timestamp | undefined): number | undefined {
  if (!timestamp) return undefined;
  const ms = timestampMs(timestamp);
  if (ms >= earliestMs && ms < latestMs) return ms;
  throw badSpan("has a time that is none of this age");
}

const names: Readonly<Record<Bucket, BucketName | undefined>> = {
  [Bucket.UNSPECIFIED]: undefined,
  [Bucket.HOUR]: "hour",
  [Bucket.DAY]: "day",
  [Bucket.WEEK]: "week",
  [Bucket.MONTH]: "month",
};

export const bucketOf = (shown: Bucket, { fromMs, untilMs }: Span): BucketName =>
  names[shown] ?? usualBucket(untilMs - fromMs);

const shown: Readonly<Record<BucketName, Bucket>> = {
  hour: Bucket.HOUR,
  day: Bucket.DAY,
  week: Bucket.WEEK,
  month: Bucket.MONTH,
};

export const toBucket = (name: BucketName): Bucket => shown[name];
