import { setTimeout as sleep } from "node:timers/promises";
import { ConnectError } from "@connectrpc/connect";

/** What became of one call. */
export interface Fate {
  readonly startedMs: number;
  readonly tookMs: number;
  /** The process that answered. */
  readonly who: string | undefined;
  readonly error: ConnectError | undefined;
}

/** Calls that come steadily, whether or not those before them have ended. */
export interface Load {
  /** Of the calls that have ended, in the order of their ends. */
  readonly fates: readonly Fate[];
  /** Those that began since a time of `performance.now`. */
  since(startedMs: number, untilMs?: number): Fate[];
  /** Begins no more calls; resolves when all have ended. */
  stop(): Promise<void>;
}

/** Bounded in number whatever a test forgets. */
const mostCalls = 50_000;

export function startLoad(perSecond: number, call: (n: number) => Promise<{ text: string }>): Load {
  const fates: Fate[] = [];
  const running = new Set<Promise<void>>();
  const from = performance.now();
  let stopped = false;
  let begun = 0;

  const begin = async (n: number) => {
    const startedMs = performance.now();
    const end = (who: string | undefined, error: ConnectError | undefined) =>
      fates.push({ startedMs, tookMs: performance.now() - startedMs, who, error });
    try {
      end((await call(n)).text, undefined);
    } catch (thrown) {
      end(undefined, ConnectError.from(thrown));
    }
  };
  const going = (async () => {
    while (!stopped && begun < mostCalls) {
      const due = ((performance.now() - from) * perSecond) / 1000;
      while (begun < due) {
        const one = begin(begun++);
        running.add(one);
        void one.then(() => running.delete(one));
      }
      await sleep(4);
    }
  })();

  return {
    fates,
    since: (startedMs, untilMs = Number.POSITIVE_INFINITY) =>
      fates.filter((it) => it.startedMs >= startedMs && it.startedMs < untilMs),
    async stop() {
      stopped = true;
      await going;
      await Promise.all(running);
    },
  };
}

export const failed = (fates: readonly Fate[]): string[] =>
  fates.flatMap(({ error, tookMs }) => (error ? [`${error.message} after ${Math.round(tookMs)} ms`] : []));

/** Which part of the answers came from this process. */
export const shareOf = (pid: string, fates: readonly Fate[]): number =>
  fates.filter(({ who }) => who === pid).length / Math.max(1, fates.length);

export const longestMs = (fates: readonly Fate[]): number =>
  fates.reduce((longest, { tookMs }) => Math.max(longest, tookMs), 0);
