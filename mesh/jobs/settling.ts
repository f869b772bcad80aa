import type { Logger } from "../log/logger.ts";
import { isTerminal } from "../messages/failing.ts";
import { within } from "../within.ts";
import type { Lease, Told } from "./outcome.ts";
import { bytesOf } from "./outcome.ts";
import { createPause } from "./pause.ts";
import type { Mark } from "./progress.ts";
import type { WorkerPolicy } from "./worker-policy.ts";

/** What became of an attempt, and until when it is of use to tell. */
export interface Ending {
  readonly lease: Lease;
  readonly outcome: Told;
  /** What the handler said last of how far it is, if the queue does not know it. */
  readonly mark?: Mark | undefined;
  readonly untilMs: number;
}

export interface SettlingOptions {
  /** Tells the queue; gives those that were no longer this worker's. */
  readonly settle: (endings: readonly Ending[]) => Promise<readonly Lease[]>;
  readonly policy: WorkerPolicy;
  readonly log: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly random: () => number;
}

export interface Settling {
  add(ending: Ending): void;
  /** Resolves when all was told, or when the time is over, after which nothing is. */
  close(withinMs: number): Promise<void>;
}

/** First pause after the queue did not answer; it doubles. */
const pauseMs = 100;

/**
 * Tells the queue what became of jobs: what ends within a few milliseconds
 * together, and what ends while one call is under way by the next. Keeps what
 * cannot be told, in bounds of time and number.
 */
export function createSettling({ settle, policy, log, now, random }: SettlingOptions): Settling {
  const pause = createPause();
  let waiting: Ending[] = [];
  let telling: Promise<void> | undefined;
  let failures = 0;
  let most = policy.mostPerCall;
  let isClosing = false;
  let isClosed = false;

  const drop = (dropped: readonly Ending[], why: string) => {
    if (dropped.length === 0) return;
    const [first] = dropped;
    log.warn(
      { count: dropped.length, job: first?.lease.id },
      `the queue does not learn what became of jobs: ${why}; they are done again`,
    );
  };

  const keep = (batch: readonly Ending[]) => {
    const all = [...batch, ...waiting];
    const inTime = all.filter(({ untilMs }) => untilMs > now());
    waiting = inTime.slice(-policy.mostKept);
    drop(
      all.filter((it) => it.untilMs <= now()),
      "it did not answer until their leases were over",
    );
    drop(inTime.slice(0, -policy.mostKept), "too many wait to be told");
  };

  /** Halves what the queue refuses, until the one is found that it means. */
  const refused = (batch: readonly Ending[], err: unknown) => {
    if (batch.length === 1) {
      log.error({ err, job: batch[0]?.lease.id }, "the queue refuses what it is told of a job");
      return;
    }
    most = Math.ceil(batch.length / 2);
    waiting = [...batch, ...waiting];
  };

  const tell = async (batch: readonly Ending[]) => {
    try {
      const lost = await settle(batch);
      if (failures > 0) log.info("the queue learns again what became of jobs");
      failures = 0;
      most = policy.mostPerCall;
      if (lost.length > 0) {
        log.info(
          { count: lost.length, job: lost[0]?.id },
          "jobs were cancelled or given to others before the queue learned what became of them",
        );
      }
    } catch (err) {
      if (isTerminal(err)) return refused(batch, err);
      if (failures === 0) log.warn({ err }, "the queue cannot be told now what became of jobs; tried again");
      keep(batch);
      const waitMs = Math.min(policy.awayMaxMs, pauseMs * 2 ** failures++) * (0.5 + random() / 2);
      if (waiting.length > 0 && !isClosed) await pause.wait(isClosing ? pauseMs : waitMs);
    }
  };

  const tellAll = async () => {
    await pause.wait(policy.gatherMs);
    while (waiting.length > 0 && !isClosed) {
      const batch = nextBatch(waiting, most, policy.mostBytesPerCall);
      waiting = waiting.slice(batch.length);
      await tell(batch);
    }
    telling = undefined;
  };

  return {
    add(ending) {
      waiting.push(ending);
      if (waiting.length > policy.mostKept) keep([]);
      telling ??= tellAll();
    },
    async close(withinMs) {
      isClosing = true;
      pause.wake();
      await within(Promise.resolve(telling), withinMs);
      isClosed = true;
      pause.wake();
      drop(waiting, "this instance stops");
    },
  };
}

/** As many of the first as fit into one call, and one at least. */
export function nextBatch(waiting: readonly Ending[], most: number, mostBytes: number): Ending[] {
  let bytes = 0;
  let count = 0;
  for (const { outcome } of waiting) {
    bytes += bytesOf(outcome);
    if (count > 0 && (count === most || bytes > mostBytes)) break;
    count++;
  }
  return waiting.slice(0, count);
}
