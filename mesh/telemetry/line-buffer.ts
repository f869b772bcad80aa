import type { DestinationStream } from "pino";

export interface LineBufferOptions {
  destination: DestinationStream;
  /** Told how many lines were lost, when lines can be written again. */
  dropped: (lines: number) => void;
  /** Longest a line waits. Default: 100. */
  flushMs?: number;
  /** Written at once when so many characters wait. Default: 16,384. */
  flushAt?: number;
  /** Lines are lost when the destination is slow and so many characters wait. Default: 1,048,576. */
  limit?: number;
}

export interface LineBuffer {
  /** A whole line, with its end. */
  add(line: string): void;
  /** Writes what waits, unless the destination is behind. */
  flush(): void;
  close(): void;
}

/** What a destination of pino's own can do beyond writing. */
interface Draining {
  once(event: "drain", listener: () => void): unknown;
}
interface SyncFlushing {
  flushSync(): void;
}

/**
 * Gathers lines, so that many are one write. Whole lines are handed over at
 * once, so they never mix with those of a logger on the same destination.
 */
export function createLineBuffer(options: LineBufferOptions): LineBuffer {
  const { destination, dropped, flushMs = 100, flushAt = 16_384, limit = 1_048_576 } = options;
  let text = "";
  let lost = 0;
  let blocked = false;
  let timer: NodeJS.Timeout | undefined;

  const flush = () => {
    if (timer) clearTimeout(timer);
    timer = undefined;
    if (blocked || text === "") return;
    const written = text;
    text = "";
    // A stream of pino answers false when it is behind, though its type does not say so.
    const room: unknown = destination.write(written);
    if (room === false && canDrain(destination)) {
      blocked = true;
      destination.once("drain", unblock);
    }
    tellLost();
  };
  const unblock = () => {
    blocked = false;
    flush();
  };
  const tellLost = () => {
    if (lost === 0 || blocked) return;
    const lines = lost;
    lost = 0;
    dropped(lines);
  };
  // At the very end it does not matter whether the destination is behind.
  const flushAtExit = () => {
    blocked = false;
    flush();
    if (canFlushSync(destination)) destination.flushSync();
  };
  const leave = atExit(flushAtExit);
  return {
    add(line) {
      if (text.length + line.length > limit) {
        lost++;
        return;
      }
      text += line;
      if (text.length >= flushAt) flush();
      else timer ??= setTimeout(flush, flushMs).unref();
    },
    flush,
    close() {
      leave();
      blocked = false;
      flush();
    },
  };
}

const canDrain = (it: object): it is Draining => "once" in it && typeof it.once === "function";
const canFlushSync = (it: object): it is SyncFlushing =>
  "flushSync" in it && typeof it.flushSync === "function";

/** One listener for all buffers of the process; a crash passes here too, `kill -9` does not. */
const flushers = new Set<() => void>();
const flushAll = () => {
  for (const flush of flushers) flush();
};

function atExit(flush: () => void): () => void {
  if (flushers.size === 0) process.on("exit", flushAll);
  flushers.add(flush);
  return () => {
    flushers.delete(flush);
    if (flushers.size === 0) process.off("exit", flushAll);
  };
}
