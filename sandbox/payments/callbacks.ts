import type { Calling } from "./cards.ts";
import type { Delays, Timers } from "./clock.ts";

/** Tells the platform what has happened, again and again until it says that it has heard. */
export interface Callbacks {
  /** Resolves when the first try of a callback that comes `first` is over; else at once. */
  send(how: Calling, message: Message): Promise<void>;
}

export interface Message {
  readonly path: string;
  readonly body: string;
  /** Signed anew for each try, since old signatures are refused. */
  readonly sign: () => Record<string, string>;
}

export interface CallbackOptions {
  /** Nobody is told without one. */
  url: string | undefined;
  delays: Delays;
  timers: Timers;
  /** Told of each try. */
  tried: (delivered: boolean) => void;
}

const mostTries = 10;
const timeoutMs = 10_000;

export function createCallbacks({ url, delays, timers, tried }: CallbackOptions): Callbacks {
  const attempt = async ({ path, body, sign }: Message): Promise<boolean> => {
    try {
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...sign() },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      // Whoever does not hear it now hears it with the next try.
      return false;
    }
  };
  const deliver = async (message: Message, tries = 1): Promise<void> => {
    const delivered = await attempt(message);
    tried(delivered);
    if (delivered || tries >= mostTries) return;
    timers.after(delays.retryMs * 2 ** (tries - 1), () => void deliver(message, tries + 1));
  };
  return {
    async send(how, message) {
      if (url === undefined || how === "never") return;
      if (how === "first") return deliver(message);
      timers.after(how === "late" ? delays.lateMs : 0, () => void deliver(message));
      if (how === "twice") timers.after(1, () => void deliver(message));
    },
  };
}
