import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { eventTypeOf } from "./contract/event-type.ts";

/**
 * Tells whoever listens right now, and keeps nothing: for pages that show what
 * goes on. What must arrive is an event.
 */
export interface Live {
  /** Tells those who listen to this kind of event about this aggregate. */
  send<D extends DescMessage>(schema: D, message: MessageInitShape<D>): void;
  /** What is told from now on, until the signal; of one aggregate, or of all. */
  listen<D extends DescMessage>(
    schema: D,
    options: { key?: string; signal: AbortSignal },
  ): AsyncIterable<MessageShape<D>>;
}

/** A listener that is so far behind is not told the rest: it has gone, or will never catch up. */
const mostWaiting = 1000;

export function createLive(nats: Nats, log: Logger): Live {
  const subjectFor = (schema: DescMessage, key: string | undefined) => {
    const place = key === undefined ? "*" : Buffer.from(key).toString("base64url") || "_";
    return nats.subject(`live.${eventTypeOf(schema).subject}.${place}`);
  };
  return {
    send(schema, init) {
      const message = create(schema, init);
      // The broker would send it when it is back, and it would be stale.
      if (!nats.connected()) return;
      nats.connection.publish(
        subjectFor(schema, eventTypeOf(schema).keyOf(message)),
        toBinary(schema, message),
      );
    },
    async *listen(schema, { key, signal }) {
      if (signal.aborted) return;
      const subscription = nats.connection.subscribe(subjectFor(schema, key));
      const end = () => subscription.unsubscribe();
      signal.addEventListener("abort", end, { once: true });
      try {
        for await (const { data } of subscription) {
          if (signal.aborted) return;
          const behind = subscription.getPending();
          if (behind > mostWaiting) {
            log.warn(
              { subject: eventTypeOf(schema).subject, behind },
              "a listener is too slow and is let go",
            );
            return;
          }
          const message = read(schema, data, log);
          if (message) yield message;
        }
      } finally {
        signal.removeEventListener("abort", end);
        if (!nats.connection.isClosed()) subscription.unsubscribe();
      }
    },
  };
}

function read<D extends DescMessage>(schema: D, data: Uint8Array, log: Logger): MessageShape<D> | undefined {
  try {
    return fromBinary(schema, data);
  } catch (err) {
    log.debug({ err, type: schema.typeName }, "what was told live is no such message; passed over");
    return undefined;
  }
}
