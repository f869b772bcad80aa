import type { ServerLimits } from "../bounds/limits.ts";
import { createRate } from "../bounds/rate.ts";

/** What one HTTP/2 connection does, as far as Node tells, and whether that is enough of it. */
export interface SessionGuard {
  /** The peer's first SETTINGS came. */
  greeted(): void;
  opened(stream: number): void;
  /** False when too many streams ended in errors. */
  ended(inError: boolean): boolean;
  /** A PING or SETTINGS came. False when there are too many. */
  control(): boolean;
  /**
   * Why the connection should be closed, if it should. To be asked now and then,
   * with the newest stream whose headers have begun to come.
   */
  verdict(newestBegun: number): string | undefined;
  /** Streams that are open. */
  readonly open: number;
}

export function createSessionGuard(limits: ServerLimits, now: () => number = Date.now): SessionGuard {
  const startedAt = now();
  const tooManyResets = createRate(limits.resetsPerTenSeconds, 10_000, now);
  const tooManyControls = createRate(limits.controlFramesPerTenSeconds, 10_000, now);
  let greeted = false;
  let open = 0;
  let newestOpened = 0;
  let idleSince = startedAt;
  let unfinished: { stream: number; since: number } | undefined;
  return {
    greeted: () => {
      greeted = true;
    },
    opened: (stream) => {
      open++;
      newestOpened = Math.max(newestOpened, stream);
    },
    ended: (inError) => {
      open--;
      idleSince = now();
      return !(inError && tooManyResets());
    },
    control: () => !tooManyControls(),
    verdict: (newestBegun) => {
      const time = now();
      if (!greeted && time - startedAt > limits.headersMs) return "no SETTINGS came";
      // By streams, not by bytes: whoever only pings is idle too.
      if (open === 0 && time - idleSince > limits.idleMs) return "idle";
      if (newestBegun <= newestOpened) unfinished = undefined;
      else if (unfinished?.stream !== newestBegun) unfinished = { stream: newestBegun, since: time };
      // HEADERS whose CONTINUATION does not end: Node tells of a stream only then.
      if (unfinished && time - unfinished.since > limits.headersMs) return "headers did not end";
      return undefined;
    },
    get open() {
      return open;
    },
  };
}
