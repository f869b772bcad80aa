import type { Database, Logger } from "#mesh";
import { startLoop } from "#mesh";
import { nextDue, promoteDue } from "./leases-store.ts";
import type { Nudge } from "./nudges.ts";

/** Each statement takes so many of each kind of job. */
const batch = 1000;

export interface Promotion {
  /** Something waits for this time. */
  scheduled(atMs: number): void;
  readonly ended: Promise<void>;
}

export interface PromotionOptions {
  db: Database;
  nudge: Nudge;
  /** A replica that put in what is due sooner, and died, is stood in for within this. */
  paceMs: number;
  log: Logger;
  now: () => number;
  stopping: AbortSignal;
}

/** Makes jobs ready when their time comes, and tells workers. */
export function startPromotion({ db, nudge, paceMs, log, now, stopping }: PromotionOptions): Promotion {
  let timer: NodeJS.Timeout | undefined;
  let wakesMs = Number.POSITIVE_INFINITY;

  const wakeAt = (atMs: number) => {
    if (atMs >= wakesMs || stopping.aborted) return;
    clearTimeout(timer);
    wakesMs = atMs;
    // Beyond that the loop looks by itself, also when clocks jump.
    if (atMs - now() > paceMs) return;
    timer = setTimeout(() => loop.wake(), Math.max(0, atMs - now())).unref();
  };
  const loop = startLoop({
    everyMs: paceMs,
    stopping,
    work: async () => {
      wakesMs = Number.POSITIVE_INFINITY;
      let promoted: { queue: string }[];
      do {
        promoted = await db.transaction((tx) => promoteDue(tx, new Date(now()), batch));
        nudge(new Set(promoted.map(({ queue }) => queue)));
      } while (promoted.length >= batch && !stopping.aborted);
      const next = await nextDue(db.sql);
      if (next) wakeAt(next.getTime());
    },
    failed: (err) => log.warn({ err }, "jobs whose time has come could not be made ready; tried again soon"),
  });
  void loop.ended.then(() => clearTimeout(timer));
  return { scheduled: wakeAt, ended: loop.ended };
}
