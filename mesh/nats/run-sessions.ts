import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "./nats.ts";
import { onConnection } from "./on-connection.ts";

export interface SessionsOptions {
  readonly nats: Nats;
  readonly log: Logger;
  /** For the log. */
  readonly what: string;
  readonly stopping: AbortSignal;
  /** Works until the signal is aborted, or what it works on is gone. */
  readonly run: (ending: AbortSignal) => Promise<void>;
  /** Pause after one that failed. Default: 500 ms. */
  readonly againMs?: number;
}

export interface Sessions {
  /** Ends the one that runs and begins another. */
  again(): void;
  /** Resolves when the last one has ended, after `stopping`. */
  readonly ended: Promise<void>;
}

/**
 * Works on what the broker holds for as long as the service runs. Each time the
 * connection is back it begins anew: a broker may have come back without what it
 * held, and the client would go on with what is not there.
 */
export function runSessions(options: SessionsOptions): Sessions {
  const { nats, log, what, stopping, run, againMs = 500 } = options;
  let current = new AbortController();
  let failing = false;
  const again = () => current.abort();
  const forget = onConnection(nats, { back: again });

  const loop = async () => {
    while (!stopping.aborted) {
      current = new AbortController();
      const ending = AbortSignal.any([current.signal, stopping]);
      try {
        await run(ending);
        failing = false;
      } catch (err) {
        if (ending.aborted) continue;
        if (!failing) log.warn({ err }, `${what} is interrupted; tried again`);
        failing = true;
        await sleep(againMs, undefined, { signal: stopping, ref: false }).catch(() => {});
      }
    }
    forget();
  };
  return { again, ended: loop() };
}
