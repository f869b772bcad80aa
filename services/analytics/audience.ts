import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { AudienceSchema } from "#gen/analytics/v1/analytics_pb.js";
import type { Query } from "#mesh";
import { audienceOf } from "./audience-store.ts";
import { bucketStarts, hourOfWeek } from "./buckets.ts";
import { countsBetween } from "./rollups-store.ts";
import type { Span } from "./span.ts";

const dayMs = 24 * 60 * 60_000;
const hoursInWeek = 7 * 24;

export async function audienceFor(
  query: Query,
  ownerId: string,
  { fromMs, untilMs, timeZone }: Span,
): Promise<MessageInitShape<typeof AudienceSchema>> {
  const lastDays = async (days: number) => {
    const startMs = Math.max(fromMs, untilMs - days * dayMs);
    return (await audienceOf(query, ownerId, startMs, untilMs)).active;
  };
  const all = await audienceOf(query, ownerId, fromMs, untilMs);
  const hours = bucketStarts(fromMs, untilMs, "hour", timeZone);
  const counts = await countsBetween(
    query,
    ownerId,
    hours.map((ms) => new Date(ms)),
    new Date(untilMs),
  );
  const hoursOfWeek = new Array<bigint>(hoursInWeek).fill(0n);
  for (const { at, count } of counts) {
    const hour = hourOfWeek(hours[at - 1] ?? fromMs, timeZone);
    hoursOfWeek[hour] = (hoursOfWeek[hour] ?? 0n) + count;
  }
  return {
    from: timestampFromMs(fromMs),
    until: timestampFromMs(untilMs),
    ...all,
    activeDay: await lastDays(1),
    activeWeek: await lastDays(7),
    activeMonth: await lastDays(30),
    hoursOfWeek,
  };
}
