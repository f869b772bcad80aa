import { ServiceBroker } from "moleculer";
import { freePort } from "../../mesh/testing/free-port.ts";
import type { Item } from "./messages.ts";
import { messagesOf } from "./messages.ts";

const messages = messagesOf(Number);
const everything = messages.items(1000);

/** Moleculer as it comes, its messages as JSON, with nothing of its own that is off by default. */
export async function startServer() {
  const port = await freePort();
  const broker = new ServiceBroker({
    namespace: `bench-${port}`,
    nodeID: "server",
    logger: false,
    transporter: { type: "TCP", options: { udpDiscovery: false, port, useHostname: false } },
  });
  broker.createService({
    name: "bench",
    actions: {
      echo: ({ params: { text, number, ratio, flag, tags } }: { params: Item<number> }) => ({
        text,
        number,
        ratio,
        flag,
        tags,
      }),
      get: ({ params: { id } }: { params: { id: string } }) => messages.document(id),
      list: ({ params: { limit } }: { params: { limit: number } }) => ({ items: everything.slice(0, limit) }),
    },
  });
  await broker.start();
  return { address: `${port}` };
}
