import type { JetStreamManager } from "@nats-io/jetstream";
import { fail } from "../errors.ts";
import type { AckedPublisher } from "../nats/acked-publisher.ts";
import { headersOf } from "../nats/headers.ts";
import type { Nats } from "../nats/nats.ts";
import type { StreamPlan, StreamSettings } from "../nats/streams.ts";
import { ensureStream } from "../nats/streams.ts";
import type { OutboxMessage } from "./outbox-store.ts";

export interface DirectOptions {
  readonly nats: Nats;
  readonly publisher: AckedPublisher;
  readonly jsm: Promise<JetStreamManager>;
  readonly plans: readonly StreamPlan[];
  readonly settings: StreamSettings;
}

const tries = 3;

/**
 * Publishes at once and resolves when the broker has it: for a service without
 * a database, which has no change that it could be bound to.
 */
export function publishDirectly(options: DirectOptions): (message: OutboxMessage) => Promise<void> {
  const { nats, publisher, jsm, plans, settings } = options;
  const ensured = new Map<string, Promise<unknown>>();

  const ensure = ({ stream, subject }: OutboxMessage) => {
    const known = ensured.get(stream);
    if (known) return known;
    const plan = plans.find(({ name }) => name === stream) ?? { name: stream, subjects: [subject] };
    const making = jsm.then((manager) => ensureStream(nats, manager, plan, settings));
    ensured.set(stream, making);
    return making;
  };

  return async (message) => {
    const { id, subject, headers, data, stream } = message;
    for (let left = tries - 1; ; left--) {
      try {
        await ensure(message);
        // A second try of the same id is known to the stream.
        const head = headersOf(headers);
        head.set("Nats-Msg-Id", id);
        await publisher.publish(nats.subject(subject), data, head);
        return;
      } catch (cause) {
        ensured.delete(stream);
        if (left > 0 && nats.connected()) continue;
        throw fail.unavailable("event_not_taken", "the broker has not taken the event", {
          remedy: "try again; a service with a database keeps its events until the broker is there",
          cause,
        });
      }
    }
  };
}
