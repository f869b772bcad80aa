import { JetStreamApiError } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import type { AckedPublisher } from "../nats/acked-publisher.ts";
import { publishInOrder } from "./publish-in-order.ts";

/** A stream that looks at the expected sequence before it looks for duplicates, as nats-server does. */
function streamWith(ids: readonly string[]): { readonly ids: string[]; readonly publisher: AckedPublisher } {
  const kept = [...ids];
  return {
    ids: kept,
    publisher: {
      async publish(_subject, _data, headers) {
        const id = headers.get("Nats-Msg-Id");
        if (headers.get("Nats-Expected-Last-Sequence") !== String(kept.length)) throw wrongLastSequence;
        const duplicate = kept.includes(id);
        if (!duplicate) kept.push(id);
        return { stream: "s", seq: kept.indexOf(id) + 1, duplicate };
      },
      close() {},
    },
  };
}

const wrongLastSequence = new JetStreamApiError({ code: 400, err_code: 10071, description: "wrong" });
const outgoing = (ids: readonly string[]) =>
  ids.map((id, at) => ({ id, position: BigInt(at), subject: "s", headers: [], data: new Uint8Array() }));
const names = (count: number) => Array.from({ length: count }, (_, at) => `event-${at}`);

test("all that the stream has already is known in one round, once some of it is", async () => {
  const all = names(50);
  const { ids, publisher } = streamWith(all.slice(0, 40));
  const first = await publishInOrder(publisher, outgoing(all), ids.length);
  expect(first).toMatchObject({ stored: { length: 1 }, repeated: true });
  const second = await publishInOrder(publisher, outgoing(all.slice(1)), ids.length, true);
  expect(second).toMatchObject({ stored: { length: 40 }, repeated: true });
  expect(ids).toEqual(all.slice(0, 41));
});

test("what is new comes in order, whatever is expected of it", async () => {
  const all = names(5);
  const { ids, publisher } = streamWith([]);
  expect(await publishInOrder(publisher, outgoing(all), 0, true)).toMatchObject({
    stored: { length: 1 },
    repeated: false,
  });
  expect(await publishInOrder(publisher, outgoing(all.slice(1)), 1)).toMatchObject({ error: undefined });
  expect(ids).toEqual(all);
});
