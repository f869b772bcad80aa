import type { DescMessage, Message } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import { jetstreamManager } from "@nats-io/jetstream";
import { eventTypeOf } from "../events/contract/event-type.ts";
import { infoOf } from "../nats/streams.ts";
import { openTestNats } from "./nats.ts";

/** The events that a service has published so far, of these kinds, in their order. */
export async function eventsTold(namespace: string, schemas: readonly DescMessage[]): Promise<Message[]> {
  const nats = await openTestNats(namespace);
  try {
    const jsm = await jetstreamManager(nats.connection);
    const byType = new Map(schemas.map((it) => [it.typeName, it]));
    const [stream] = schemas.map((it) => nats.nameOf(eventTypeOf(it).stream));
    const { state } = (await infoOf(jsm, stream ?? "")) ?? {};
    const told: Message[] = [];
    for (let seq = state?.first_seq ?? 1; seq <= (state?.last_seq ?? 0); seq++) {
      const stored = await jsm.direct.getMessage(stream ?? "", { seq });
      const schema = stored && byType.get(stored.header.get("ce-type"));
      if (schema) told.push(fromBinary(schema, stored.data));
    }
    return told;
  } finally {
    await nats.close();
  }
}
