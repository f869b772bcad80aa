import type { AckedPublisher } from "../nats/acked-publisher.ts";
import { headersOf } from "../nats/headers.ts";
import type { Published } from "./outbox-store.ts";

/** A message that is to be published, and where it comes in the outbox. */
export interface Outgoing {
  readonly position: bigint;
  readonly id: string;
  readonly subject: string;
  readonly headers: readonly string[];
  readonly data: Uint8Array;
}

export interface Batch {
  /** What the stream has acknowledged. */
  readonly stored: readonly Published[];
  /** Why the rest was not stored; the first reason. */
  readonly error: unknown;
  /** The stream had some of these already. */
  readonly repeated: boolean;
}

/**
 * Publishes without waiting for each answer, and still keeps the order: each
 * message says which sequence it must come behind. Where one is lost or refused,
 * the stream refuses all that follow it.
 *
 * What the stream has already does not make it longer, so that all behind it is
 * refused. Where much of it is to be expected, each is to come behind the same
 * sequence instead: then all that is there already is known at once, and the
 * first that is not ends the batch.
 *
 * @param tail The last sequence of the stream; without it the order is left to chance.
 */
export async function publishInOrder(
  publisher: AckedPublisher,
  messages: readonly Outgoing[],
  tail: number | undefined,
  expectsRepeats = false,
): Promise<Batch> {
  const stored: Published[] = [];
  let error: unknown;
  let repeated = false;
  const publish = async ({ id, position, subject, headers, data }: Outgoing, index: number) => {
    const head = headersOf(headers);
    head.set("Nats-Msg-Id", id);
    if (tail !== undefined) {
      head.set("Nats-Expected-Last-Sequence", String(expectsRepeats ? tail : tail + index));
    }
    try {
      const { seq, duplicate } = await publisher.publish(subject, data, head);
      stored.push({ position, sequence: seq });
      repeated ||= duplicate;
    } catch (reason) {
      error ??= reason;
    }
  };
  await Promise.all(messages.map(publish));
  return { stored, error, repeated };
}
