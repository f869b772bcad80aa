import type { Socket } from "node:net";

/** One answer on its way out. */
export interface Outgoing {
  /** Bytes that wait to be sent. */
  pending(): number;
  readonly socket: Socket | null;
  abort(): void;
}

/**
 * Ends answers that nobody reads. A peer that grants no window (HTTP/2) or
 * empties its receive buffer never (TCP) would keep our memory for ever.
 */
export interface StallGuard {
  watch(outgoing: Outgoing): { done(): void };
  stop(): void;
}

/** A class, as there is one for each request: an object with a closure in it costs more. */
class Watched {
  readonly outgoing: Outgoing;
  /** Bytes seen waiting, and sent on the socket, at the last move. */
  pending = 0;
  sent = 0;
  stalledSince: number | undefined = undefined;
  pendingSince: number | undefined = undefined;
  private readonly among: Set<Watched>;

  constructor(outgoing: Outgoing, among: Set<Watched>) {
    this.outgoing = outgoing;
    this.among = among;
  }

  done(): void {
    this.among.delete(this);
  }
}

/** A peer that reads, but slower than this allows for the same bytes, is no reader either. */
const slowFactor = 6;

export function createStallGuard(stalledReadMs: number, now: () => number = Date.now): StallGuard {
  const watched = new Set<Watched>();
  const check = () => {
    const time = now();
    for (const entry of watched) {
      if (isStalled(entry, time, stalledReadMs)) {
        watched.delete(entry);
        entry.outgoing.abort();
      }
    }
  };
  const timer = setInterval(check, Math.min(1000, stalledReadMs / 4));
  timer.unref();
  return {
    watch(outgoing) {
      const entry = new Watched(outgoing, watched);
      watched.add(entry);
      return entry;
    },
    stop: () => clearInterval(timer),
  };
}

function isStalled(entry: Watched, time: number, stalledReadMs: number): boolean {
  const pending = entry.outgoing.pending();
  const sent = entry.outgoing.socket?.bytesWritten ?? 0;
  if (pending === 0) {
    entry.stalledSince = undefined;
    entry.pendingSince = undefined;
  } else {
    if (pending < entry.pending) entry.pendingSince = undefined;
    if (pending < entry.pending || sent > entry.sent) entry.stalledSince = undefined;
    entry.stalledSince ??= time;
    entry.pendingSince ??= time;
  }
  entry.pending = pending;
  entry.sent = sent;
  const since = (start: number | undefined) => (start === undefined ? 0 : time - start);
  return since(entry.stalledSince) > stalledReadMs || since(entry.pendingSince) > stalledReadMs * slowFactor;
}
