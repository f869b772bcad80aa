import type { CalculateEngagement } from "#gen/analytics/v1/jobs_pb.js";
import type { Database, Job, Turn } from "#mesh";
import { canonicalId } from "#mesh";
import { addUpSubject, daysOf } from "./facts-store.ts";
import { lockFigures } from "./figures-lock.ts";

export interface EngagementOptions {
  db: Database;
  turn: Turn;
  keepMs: number;
  now: () => number;
}

const dayMs = 24 * 60 * 60_000;

/** Adds up anew what was done with one post, a day at a time: nothing is counted meanwhile. */
export function createEngagement({ db, turn, keepMs, now }: EngagementOptions) {
  return async ({ postId }: CalculateEngagement, job: Job): Promise<void> => {
    const post = ["post", canonicalId(postId)] as const;
    // Of what is dropped with its month there are no facts, but there may still be sums.
    const from = new Date(Math.ceil((now() - keepMs) / dayMs) * dayMs);
    for (const day of await daysOf(db.sql, post, from)) {
      job.signal.throwIfAborted();
      await turn(() =>
        db.transaction(async (tx) => {
          await lockFigures(tx);
          await addUpSubject(tx, post, day, new Date(day.getTime() + dayMs));
        }),
      );
    }
  };
}
