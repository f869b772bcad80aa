import type { Database, Logger, Loop, Turn } from "#mesh";
import { inBatches, startLoop } from "#mesh";
import { lockFigures } from "./figures-lock.ts";
import type { Ingest } from "./ingest.ts";
import { takeWaiting } from "./waiting-store.ts";

export interface CountingOptions {
  db: Database;
  ingest: Ingest;
  turn: Turn;
  everyMs: number;
  log: Logger;
  stopping: AbortSignal;
}

/** Least time between two rounds: where much happens, each counts more at once. */
const restMs = 200;
/** Facts that one transaction counts. */
const atOnce = 500;

/** Counts the facts of events that were put by; a replica that is gone leaves them to the others. */
export function startCounting({ db, ingest, turn, everyMs, log, stopping }: CountingOptions): Loop {
  const some = () =>
    db.transaction(async (tx) => {
      await lockFigures(tx);
      const facts = await takeWaiting(tx, atOnce);
      await ingest(tx, facts);
      return facts.length;
    });

  return startLoop({
    everyMs,
    restMs,
    stopping,
    work: () => inBatches(atOnce, stopping, () => turn(some)),
    failed: (err) => log.warn({ err }, "facts of events could not be counted; tried again"),
  });
}
