import type { PubAck } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { createInbox, nuid } from "@nats-io/transport-node";
import { fail } from "../errors.ts";
import type { Nats } from "./nats.ts";
import { onConnection } from "./on-connection.ts";

/**
 * Publishes to streams and learns of each acknowledgement. The client's own way
 * makes a timer and two errors for each message, in case they are needed; here
 * one timer serves all, and errors are made when something is wrong.
 */
export interface AckedPublisher {
  publish(subject: string, data: Uint8Array, headers: MsgHdrs): Promise<PubAck>;
  close(): void;
}

interface Waiting {
  readonly resolve: (ack: PubAck) => void;
  readonly reject: (error: unknown) => void;
  readonly untilMs: number;
}

const sweepMs = 250;

export function createAckedPublisher(nats: Nats, timeoutMs: number): AckedPublisher {
  const { connection } = nats;
  const prefix = `${createInbox()}.`;
  // In the order in which they were published, as a Map keeps it: the first to be late is the first.
  const waiting = new Map<string, Waiting>();

  const failAll = (error: () => Error) => {
    const all = [...waiting.values()];
    waiting.clear();
    for (const { reject } of all) reject(error());
  };
  const answered = (err: Error | null, message: Msg) => {
    const token = message.subject.slice(prefix.length);
    const asked = waiting.get(token);
    if (!asked) return;
    waiting.delete(token);
    if (err) asked.reject(err);
    else settle(asked, message);
  };
  const subscription = connection.subscribe(`${prefix}*`, { callback: answered });
  const sweeping = setInterval(() => {
    const nowMs = performance.now();
    for (const [token, { untilMs, reject }] of waiting) {
      if (untilMs > nowMs) break;
      waiting.delete(token);
      reject(fail.deadline("no_acknowledgement", `NATS has not acknowledged within ${timeoutMs} ms`));
    }
  }, sweepMs).unref();
  // No answer that is waited for comes any more.
  const forget = onConnection(nats, {
    lost: () => failAll(connectionLost),
    closed: () => failAll(connectionLost),
  });

  return {
    publish: (subject, data, headers) =>
      new Promise((resolve, reject) => {
        const token = nuid.next();
        waiting.set(token, { resolve, reject, untilMs: performance.now() + timeoutMs });
        try {
          connection.publish(subject, data, { headers, reply: prefix + token });
        } catch (error) {
          waiting.delete(token);
          reject(error);
        }
      }),
    close() {
      clearInterval(sweeping);
      forget();
      failAll(connectionLost);
      if (!connection.isClosed()) subscription.unsubscribe();
    },
  };
}

const connectionLost = () => fail.unavailable("nats_lost", "the connection to NATS was lost");

/** What the broker answers where no stream takes the subject. */
const noResponders = 503;

interface Answer extends Partial<PubAck> {
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
}

function settle({ resolve, reject }: Waiting, message: Msg): void {
  if (message.headers?.code === noResponders) {
    reject(fail.unavailable("no_stream", "no stream takes this subject now, or JetStream is not running"));
    return;
  }
  try {
    const { error, stream, seq, duplicate = false } = message.json<Answer>();
    if (error) reject(new JetStreamApiError(error));
    else if (stream === undefined || seq === undefined) reject(new Error("an acknowledgement that is none"));
    else resolve({ stream, seq, duplicate } as PubAck);
  } catch (error) {
    reject(error);
  }
}
