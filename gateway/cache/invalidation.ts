import type { Subscription } from "@nats-io/transport-node";
import type { Logger, Nats } from "#mesh";
import { eventSubject, isEventSubject } from "#mesh/events/contract/subject.ts";
import { onConnection } from "#mesh/nats/on-connection.ts";
import { cacheLimits } from "./cache-limits.ts";
import type { Hearing } from "./hearing.ts";
import { nothingToHear } from "./hearing.ts";

export interface Invalidation {
  /** Listens to events of these subjects from now on; nothing when it cannot. */
  hear(subjects: readonly string[]): Hearing | undefined;
  close(): void;
}

interface Ear {
  readonly subject: string;
  subscription: Subscription | undefined;
  events: number;
  /** The broker has said that it sends them. */
  live: boolean;
  refused: boolean;
}

/**
 * Counts the events that services publish. Events that pass while the broker is
 * away are not heard later, so that is counted as a gap. A subject once listened
 * to is for good: there are few, and contracts that leave mostly come back.
 */
export function openInvalidation({ nats, log }: { nats: Nats; log: Logger }): Invalidation {
  const ears = new Map<string, Ear>();
  let gaps = 0;
  let closed = false;

  // The broker answers in order: when it has answered this, it has taken in what came before.
  const confirm = async (waiting: readonly Ear[]) => {
    const since = gaps;
    try {
      await nats.connection.flush();
    } catch (err) {
      if (!closed)
        log.debug({ err }, "the broker went away before it listened; once it is back, it is asked again");
      return;
    }
    if (closed || since !== gaps || !nats.connected()) return;
    for (const ear of waiting) ear.live = !ear.refused;
  };

  const listen = (subject: string): Ear => {
    const ear: Ear = { subject, subscription: undefined, events: 0, live: false, refused: false };
    ears.set(subject, ear);
    ear.subscription = nats.connection.subscribe(nats.subject(eventSubject(subject)), {
      callback: (err) => {
        ear.events++;
        if (!err) return;
        ear.live = false;
        ear.refused = true;
        log.warn({ err, subject }, "may not hear these events, so answers that they end are not kept");
      },
    });
    return ear;
  };

  const lose = () => {
    gaps++;
    for (const ear of ears.values()) ear.live = false;
  };
  const forget = onConnection(nats, {
    lost: lose,
    back: () => {
      lose();
      void confirm([...ears.values()]);
    },
    closed: lose,
  });

  return {
    hear(subjects) {
      if (subjects.length === 0) return nothingToHear;
      const unheard = [...new Set(subjects)].filter((it) => !ears.has(it));
      if (!unheard.every(isEventSubject) || ears.size + unheard.length > cacheLimits.subjects)
        return undefined;
      if (closed || nats.connection.isClosed()) return undefined;
      const fresh = unheard.map(listen);
      if (fresh.length > 0 && nats.connected()) void confirm(fresh);
      const heard = subjects.map((it) => ears.get(it)).filter((it) => it !== undefined);
      return {
        isLive: () => heard.every(isLive),
        events: () => {
          let sum = 0;
          for (const { events } of heard) sum += events;
          return sum;
        },
        gaps: () => gaps,
      };
    },
    close() {
      closed = true;
      forget();
      for (const { subscription } of ears.values()) {
        if (!nats.connection.isClosed()) subscription?.unsubscribe();
      }
    },
  };
}

const isLive = ({ live }: Ear) => live;
