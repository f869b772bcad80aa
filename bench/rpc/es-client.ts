import type { BenchClient, Conversation } from "./client.ts";
import type { Document, Item } from "./messages.ts";

/** The least that is needed of a generated client: Weft's and connect-node's are alike. */
export interface GeneratedClient {
  echo(message: Item<bigint>): Promise<Item<bigint>>;
  get(message: { id: string }): Promise<Document<bigint>>;
  list(message: { limit: number }): Promise<{ items: Item<bigint>[] }>;
  generate(message: { count: number }): AsyncIterable<{ item?: Item<bigint> | undefined }>;
  collect(messages: AsyncIterable<{ item: Item<bigint> }>): Promise<{ count: number }>;
  chat(messages: AsyncIterable<{ item: Item<bigint> }>): AsyncIterable<{ item?: Item<bigint> | undefined }>;
}

export function benchClient(client: GeneratedClient): BenchClient<bigint> {
  return {
    int64: BigInt,
    echo: (message) => client.echo(message),
    get: (id) => client.get({ id }),
    list: async (limit) => (await client.list({ limit })).items,
    streams: {
      async *generate(count) {
        for await (const { item } of client.generate({ count })) if (item) yield item;
      },
      collect: async (items) => (await client.collect(messagesFrom(items))).count,
      chat: () => converse(client),
    },
  };
}

async function* messagesFrom(items: Iterable<Item<bigint>>) {
  for (const item of items) yield { item };
}

/** One message out, one in. */
function converse(client: GeneratedClient): Conversation<bigint> {
  let next = Promise.withResolvers<Item<bigint> | undefined>();
  const said = async function* () {
    for (;;) {
      const item = await next.promise;
      if (!item) return;
      next = Promise.withResolvers();
      yield { item };
    }
  };
  const heard = client.chat(said())[Symbol.asyncIterator]();
  return {
    async say(item) {
      next.resolve(item);
      const answer = await heard.next();
      if (answer.done || !answer.value.item) throw new Error("the conversation ended early");
      return answer.value.item;
    },
    async end() {
      next.resolve(undefined);
      await heard.next();
    },
  };
}
