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

/**
 * One for each request, in a ring: a `Set` that so much comes to and goes from
 * leaves tables behind that keep all of it alive until the next full collection
 * of garbage. What leaves lets go of its neighbours for the same reason.
 */
class Watched {
  readonly outgoing: Outgoing;
  /** Bytes seen waiting, and sent on the socket, at the last move. */
  pending = 0;
  sent = 0;
  stalledSince: number | undefined = undefined;
  pendingSince: number | undefined = undefined;
  previous: Watched = this;
  next: Watched = this;

  constructor(outgoing: Outgoing) {
    this.outgoing = outgoing;
  }

  enter(ring: Watched): void {
    this.previous = ring.previous;
    this.next = ring;
    ring.previous.next = this;
    ring.previous = this;
  }

  done(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.previous = this;
    this.next = this;
  }
}

const nothing: Outgoing = { pending: () => 0, socket: null, abort: () => {} };

/** A peer that reads, but slower than this allows for the same bytes, is no reader either. */
const slowFactor = 6;

export function createStallGuard(stalledReadMs: number, now: () => number = Date.now): StallGuard {
  const ring = new Watched(nothing);
  const check = () => {
    const time = now();
    const stalled: Watched[] = [];
    for (let entry = ring.next; entry !== ring; entry = entry.next) {
      if (isStalled(entry, time, stalledReadMs)) stalled.push(entry);
    }
    // Afterwards: to abort one may end others.
    for (const entry of stalled) {
      entry.done();
      entry.outgoing.abort();
    }
  };
  const timer = setInterval(check, Math.min(1000, stalledReadMs / 4));
  timer.unref();
  return {
    watch(outgoing) {
      const entry = new Watched(outgoing);
      entry.enter(ring);
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
