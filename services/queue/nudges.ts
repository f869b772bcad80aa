import type { Logger, Nats } from "#mesh";
import { readySubject } from "#mesh/jobs/stream.ts";

/** Tells idle workers that there is something to claim. It may get lost: they also look by themselves. */
export type Nudge = (queues: Iterable<string>) => void;

export function createNudge(nats: Nats, log: Logger): Nudge {
  const due = new Set<string>();
  const tell = () => {
    try {
      for (const queue of due) nats.connection.publish(nats.subject(readySubject(queue)));
    } catch (err) {
      log.debug({ err }, "workers cannot be told now that jobs are due");
    }
    due.clear();
  };
  return (queues) => {
    const before = due.size;
    for (const queue of queues) due.add(queue);
    // What becomes due in one turn is told once.
    if (before === 0 && due.size > 0) setImmediate(tell);
  };
}
