import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { currentCall } from "../call/call.ts";
import type { Query } from "../db/database.ts";
import { fail } from "../errors.ts";
import { newId } from "../id.ts";
import { cloudEventHeaders } from "../messages/cloud-event.ts";
import { mostBytes } from "../nats/most-bytes.ts";
import type { Take } from "../outbox/outbox-store.ts";
import { validate } from "../rpc/validate.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import { traceparentOf } from "../telemetry/tracer.ts";
import { eventTypeOf } from "./contract/event-type.ts";
import { eventSubject } from "./contract/subject.ts";

/** Tells other services what has happened. */
export interface Events {
  /**
   * Publishes an event and gives back its id. With a transaction it is told if
   * and when that is committed, never otherwise; without one it is told by
   * itself. Events of one aggregate arrive in the order of their commits.
   */
  publish<D extends DescMessage>(schema: D, message: MessageInitShape<D>, tx?: Query): Promise<string>;
}

export interface EventsOptions {
  readonly service: string;
  /** What the service says it publishes. */
  readonly publishes: readonly DescMessage[];
  readonly take: Take;
  readonly tracer: Tracer;
  readonly now: () => number;
}

/** It travels as a header, of which the broker takes 64 KiB in all. */
const mostKeyChars = 1000;

export function createEvents({ service, publishes, take, tracer, now }: EventsOptions): Events {
  const declared = new Map(publishes.map((schema) => [schema.typeName, eventTypeOf(schema)]));
  return {
    async publish(schema, init, tx) {
      const type = declared.get(schema.typeName);
      if (!type) {
        throw fail.internal(
          "undeclared_event",
          `${service} publishes ${schema.typeName} and does not say so`,
          {
            remedy: "add it to `publishes` in service.ts",
          },
        );
      }
      const message = create(schema, init);
      validate(schema, message);
      const data = toBinary(schema, message);
      if (data.length > mostBytes) {
        throw fail.invalid("event_too_large", `${type.name} has ${data.length} bytes`, {
          remedy: `an event may have ${mostBytes}; keep the rest elsewhere and name it`,
        });
      }
      const [id, key] = [newId(), type.keyOf(message)];
      if (key.length > mostKeyChars) {
        throw fail.invalid("event_key_too_long", `the key of ${type.name} has ${key.length} characters`, {
          remedy: `a key names an aggregate, in ${mostKeyChars} at most`,
        });
      }
      const call = currentCall();
      const span = tracer.begin("producer", `publish ${type.subject}`, call?.span);
      const headers = cloudEventHeaders({
        id,
        source: service,
        type: type.name,
        key,
        nowMs: now(),
        correlationId: call?.correlationId ?? id,
        traceparent: traceparentOf(span),
      });
      try {
        await take({ id, stream: type.stream, subject: eventSubject(type.subject), headers, data }, key, tx);
        tracer.end(span, { code: "ok" });
      } catch (error) {
        tracer.end(span, { code: "internal", error });
        throw error;
      }
      return id;
    },
  };
}
