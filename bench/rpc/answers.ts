import type { Item } from "./messages.ts";
import { messagesOf } from "./messages.ts";

const messages = messagesOf(BigInt);
const everything = messages.items(1000);

/** What the servers with protobuf-es answer: connect-node's, and Weft's. */
export const answers = {
  echo: ({ text, number, ratio, flag, tags }: Item<bigint>) => ({ text, number, ratio, flag, tags }),
  get: ({ id }: { id: string }) => messages.document(id),
  list: ({ limit }: { limit: number }) => ({ items: everything.slice(0, limit) }),
  async *generate({ count }: { count: number }) {
    const item = messages.item(1);
    for (let left = count; left > 0; left--) yield { item };
  },
  async collect(requests: AsyncIterable<unknown>) {
    let count = 0;
    for await (const _ of requests) count++;
    return { count };
  },
  async *chat(requests: AsyncIterable<{ item?: Item<bigint> | undefined }>) {
    for await (const { item } of requests) if (item) yield { item };
  },
};
