import type { Logger } from "#mesh";

export interface LateWorkOptions {
  readonly log: Logger;
  readonly againMs: number;
  /** Memory for what waits; beyond it the oldest is given up. */
  readonly mostBytes: number;
  readonly now: () => number;
}

interface Work {
  readonly bytes: number;
  readonly untilMs: number;
  readonly attempt: () => Promise<void>;
}

/** A broker that is away for long gives a line this often. */
const complainEveryMs = 10_000;

/** What could not be done at once and nobody waits for: tried again until it works or is of no more use. */
export function createLateWork({ log, againMs, mostBytes, now }: LateWorkOptions) {
  const waiting = new Set<Work>();
  let bytes = 0;
  let given = 0;
  let complainedMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const remove = (work: Work) => {
    if (waiting.delete(work)) bytes -= work.bytes;
  };
  const giveUp = (work: Work, err?: unknown) => {
    remove(work);
    given++;
    if (now() - complainedMs < complainEveryMs) return;
    complainedMs = now();
    log.warn(
      { err, givenUp: given },
      "what became of a request with an Idempotency-Key could not be stored and is given up",
    );
    given = 0;
  };
  const schedule = () => {
    if (timer === undefined && waiting.size > 0) timer = setTimeout(round, againMs).unref();
  };
  const round = async () => {
    for (const work of [...waiting]) {
      try {
        await work.attempt();
        remove(work);
      } catch (err) {
        if (now() >= work.untilMs) giveUp(work, err);
      }
    }
    timer = undefined;
    schedule();
  };

  return {
    add(work: Work): void {
      waiting.add(work);
      bytes += work.bytes;
      for (const oldest of waiting) {
        if (bytes <= mostBytes) break;
        giveUp(oldest);
      }
      schedule();
    },
    close(): void {
      clearTimeout(timer);
      waiting.clear();
      bytes = 0;
    },
  };
}
