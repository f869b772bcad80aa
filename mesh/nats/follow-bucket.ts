import type { KV, KvEntry, KvWatchEntry } from "@nats-io/kv";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "./nats.ts";
import { onConnection } from "./on-connection.ts";

export interface FollowOptions {
  nats: Nats;
  log: Logger;
  /** What the bucket holds, for the log. */
  what: string;
  /** Opens the bucket, making it when it is missing. */
  open: () => Promise<KV>;
  /** Each entry there is, then each as it changes; again from the start after every loss. Must not throw. */
  entry(entry: KvWatchEntry): void;
  /** All that the bucket holds has been given and changes follow. */
  current(): void;
  /** Changes may be missed from here until `current` is called again. */
  lost(): void;
  /** Pause before another try. Default: 1 s. */
  againMs?: number;
  /** How long the load may take when what was counted expires before it is delivered. Default: 3 s. */
  loadMs?: number;
}

export interface Following {
  /** What the broker itself has under a key now, past the watch. */
  read(key: string): Promise<KvEntry | null>;
  /** Begins again from the start, for whoever finds that the watch does not deliver. */
  again(): void;
  stop(): void;
}

/**
 * Follows a bucket for as long as the connection lives. The client's own watch
 * goes on after a reconnect where it was, which is nowhere when the broker lost
 * its memory, so each reconnect begins a new one, and makes the bucket again.
 */
export function followBucket(options: FollowOptions): Following {
  const { nats, log, what, open, againMs = 1000, loadMs = 3000 } = options;
  let generation = 0;
  let stopped = false;
  let failing = false;
  let isCurrent = false;
  let bucket: KV | undefined;
  let watch: { stop(): void } | undefined;
  let wake = () => {};

  const setCurrent = (current: boolean) => {
    if (isCurrent === current) return;
    isCurrent = current;
    if (current) options.current();
    else options.lost();
  };

  const follow = async (of: number) => {
    const opened = await open();
    const { values } = await opened.status();
    const entries = await opened.watch();
    if (of !== generation) {
      entries.stop();
      return;
    }
    bucket = opened;
    watch = entries;
    let loaded = false;
    const finish = () => {
      // What was received before the broker went away may still be read after it.
      if (loaded || of !== generation || !nats.connected()) return;
      loaded = true;
      if (failing) log.info(`follows the ${what} again`);
      failing = false;
      setCurrent(true);
    };
    if (values === 0) finish();
    const patience = setTimeout(finish, loadMs).unref();
    try {
      for await (const entry of entries) {
        if (of !== generation) return;
        options.entry(entry);
        if (entry.isUpdate || entry.delta === 0) finish();
      }
    } finally {
      clearTimeout(patience);
    }
  };

  const again = () => {
    generation++;
    setCurrent(false);
    watch?.stop();
    watch = undefined;
    wake();
  };
  const stop = () => {
    stopped = true;
    forget();
    again();
  };
  const forget = onConnection(nats, {
    lost: () => setCurrent(false),
    back: again,
    closed: stop,
  });

  void (async () => {
    while (!stopped) {
      const of = generation;
      await follow(of).catch((err: unknown) => {
        if (stopped || of !== generation) return;
        if (!failing)
          log.warn({ err }, `cannot follow the ${what} now; what is known stays, and it tries on`);
        failing = true;
      });
      if (stopped) return;
      setCurrent(false);
      if (of !== generation) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, againMs).unref();
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  })();

  return {
    read: async (key) => (bucket ?? (await open())).get(key),
    again,
    stop,
  };
}
