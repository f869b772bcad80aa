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
}

/**
 * Publishes without waiting for each answer, and still keeps the order: each
 * message says which sequence it must come behind. Where one is lost or refused,
 * the stream refuses all that follow it.
 *
 * @param tail The last sequence of the stream; without it the order is left to chance.
 */
export async function publishInOrder(
  publisher: AckedPublisher,
  messages: readonly Outgoing[],
  tail: number | undefined,
): Promise<Batch> {
  const stored: Published[] = [];
  let error: unknown;
  const publish = async ({ id, position, subject, headers, data }: Outgoing, index: number) => {
    const head = headersOf(headers);
    head.set("Nats-Msg-Id", id);
    if (tail !== undefined) head.set("Nats-Expected-Last-Sequence", String(tail + index));
    try {
      const { seq } = await publisher.publish(subject, data, head);
      stored.push({ position, sequence: seq });
    } catch (reason) {
      error ??= reason;
    }
  };
  await Promise.all(messages.map(publish));
  return { stored, error };
}
