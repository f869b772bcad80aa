import type { Logger } from "../log/logger.ts";

const warnEveryMs = 60_000;

/** Warns of entries that are ignored, once a minute at most: anybody who reaches the broker can cause it. */
export function createBadEntries(log: Logger, now: () => number): (key: string, why: string) => void {
  let warnedMs = Number.NEGATIVE_INFINITY;
  let ignored = 0;
  return (key, why) => {
    ignored++;
    if (now() - warnedMs < warnEveryMs) return;
    warnedMs = now();
    log.warn(
      { key: key.slice(0, 100), why, ignored },
      "an announced instance is not valid and is ignored; see who may write to NATS",
    );
    ignored = 0;
  };
}
