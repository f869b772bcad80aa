import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { AggregateData } from "#gen/analytics/v1/jobs_pb.js";
import type { Database, Job, Turn } from "#mesh";
import { addUpPeople, addUpSums, isEmpty } from "./facts-store.ts";
import { lockFigures } from "./figures-lock.ts";
import { badSpan } from "./refusals.ts";

export interface AggregatingOptions {
  db: Database;
  turn: Turn;
  keepMs: number;
  now: () => number;
}

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

/** Adds up anew what is kept of a time: the same is there after as before. */
export function createAggregating({ db, turn, keepMs, now }: AggregatingOptions) {
  /** Nothing is counted meanwhile, so it is done in small parts. */
  const part = (work: typeof addUpSums, fromMs: number, untilMs: number) =>
    turn(() =>
      db.transaction(async (tx) => {
        await lockFigures(tx);
        await work(tx, new Date(fromMs), new Date(untilMs));
      }),
    );

  return async (message: AggregateData, job: Job): Promise<void> => {
    const [from = Number.NaN, until = Number.NaN] = [message.from, message.until].map(
      (it) => it && timestampMs(it),
    );
    if (!(from < until)) throw badSpan("ends before it begins");
    // Of what is dropped with its month there are no facts, but there may still be sums.
    const firstMs = Math.ceil(Math.max(from - dayMs + 1, now() - keepMs) / dayMs) * dayMs;
    const lastMs = Math.min(until, now() + dayMs);
    for (let ms = firstMs; ms < lastMs; ms += dayMs) {
      job.signal.throwIfAborted();
      if (await isEmpty(db.sql, new Date(ms), new Date(ms + dayMs))) continue;
      for (let hour = ms; hour < ms + dayMs; hour += hourMs) {
        job.signal.throwIfAborted();
        await part(addUpSums, hour, hour + hourMs);
      }
      await part(addUpPeople, ms, ms + dayMs);
      job.progress((100 * (ms + dayMs - firstMs)) / (lastMs - firstMs));
    }
  };
}
