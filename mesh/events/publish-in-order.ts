import type { JetStreamClient, PubAck } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { headers as createHeaders } from "@nats-io/transport-node";
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
 * @param lost Rejects when the broker goes away: answers that were under way do not come then.
 */
export async function publishInOrder(
  js: JetStreamClient,
  messages: readonly Outgoing[],
  tail: number | undefined,
  lost: Promise<never>,
): Promise<Batch> {
  const acks = messages.map((message, index) => {
    const lastSequence = tail === undefined ? undefined : tail + index;
    return js.publish(message.subject, message.data, {
      msgID: message.id,
      headers: headersOf(message.headers),
      timeout: ackTimeoutMs,
      ...(lastSequence !== undefined && { expect: { lastSequence } }),
    });
  });
  const stored: Published[] = [];
  let error: unknown;
  const note = ({ position }: Outgoing) => ({
    kept: ({ seq }: PubAck) => void stored.push({ position, sequence: seq }),
    failed: (reason: unknown) => {
      error ??= reason;
    },
  });
  const settled = acks.map((ack, index) => {
    const message = messages[index];
    if (!message) return ack;
    const { kept, failed } = note(message);
    return ack.then(kept, failed);
  });
  await Promise.race([Promise.all(settled), lost]).catch((reason: unknown) => {
    error ??= reason;
  });
  // Answers that come later than the loss must not change what was said.
  return { stored: [...stored], error };
}

const ackTimeoutMs = 5000;

export function headersOf(pairs: readonly string[]): MsgHdrs {
  const made = createHeaders();
  for (let at = 0; at + 1 < pairs.length; at += 2) made.set(pairs[at] ?? "", pairs[at + 1] ?? "");
  return made;
}
