import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { onConnection } from "../nats/on-connection.ts";

export interface RepeatOptions {
  nats: Nats;
  log: Logger;
  /** What is done, for the log: "announce this instance". */
  what: string;
  /** Done again this often, give or take a tenth. */
  everyMs: number;
  /** Pause after a failure. Default: 1 s, or `everyMs` when that is less. */
  retryMs?: number;
  /** Within this time after the broker is back, so that not all come at once. */
  spreadMs: number;
  random: () => number;
  work: () => Promise<void>;
}

export interface Repeating {
  /** Resolves when it was done for the first time. */
  readonly done: Promise<void>;
  /** Does it again now. */
  now(): void;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Does something at the broker now, every so often, and soon after the broker was away. Failure is logged and tried again, for ever. */
export function repeatAtBroker(options: RepeatOptions): Repeating {
  const { nats, log, what, everyMs, retryMs = Math.min(everyMs, 1000), spreadMs, random, work } = options;
  const first = Promise.withResolvers<void>();
  let stopped = false;
  let failing = false;
  let isDue = true;
  let wake = () => {};
  let pause: NodeJS.Timeout | undefined;
  let comeback: NodeJS.Timeout | undefined;

  const wakeUp = () => {
    clearTimeout(pause);
    isDue = true;
    wake();
  };
  const attempt = async (): Promise<boolean> => {
    // What is sent to a broker that is away piles up until it is back.
    if (!nats.connected()) return false;
    try {
      await work();
      if (failing) log.info(`can ${what} again`);
      failing = false;
      first.resolve();
      return true;
    } catch (err) {
      if (!failing && !stopped) log.warn({ err }, `cannot ${what} now; it is tried again until it works`);
      failing = true;
      return false;
    }
  };

  const forget = onConnection(nats, {
    back: () => {
      clearTimeout(comeback);
      comeback = setTimeout(wakeUp, random() * spreadMs).unref();
    },
    closed: () => {
      stopped = true;
      wakeUp();
    },
  });
  const loop = (async () => {
    while (!stopped) {
      isDue = false;
      const done = await attempt();
      if (stopped) return;
      if (isDue) continue;
      const asleep = new Promise<void>((resolve) => {
        wake = resolve;
      });
      pause = setTimeout(wakeUp, done ? everyMs * (0.9 + 0.2 * random()) : retryMs).unref();
      await asleep;
    }
  })();

  return {
    done: first.promise,
    now: wakeUp,
    stop: async () => {
      stopped = true;
      forget();
      clearTimeout(comeback);
      wakeUp();
      await loop;
    },
  };
}
