/** Moleculer as it comes, its messages as JSON over TCP. */
import { ServiceBroker } from "moleculer";
import { freePort } from "../../../mesh/testing/free-port.ts";
import type { NewItem } from "../items.ts";
import { createItems } from "../items.ts";

export async function startServer() {
  const items = createItems(Number);
  const port = await freePort();
  const broker = new ServiceBroker({
    namespace: `bench-${port}`,
    nodeID: "backend",
    logger: false,
    transporter: { type: "TCP", options: { udpDiscovery: false, port, useHostname: false } },
  });
  broker.createService({
    name: "items",
    actions: {
      get: ({ params }: { params: { id: string } }) => items.get(params.id),
      create: ({ params }: { params: NewItem<number> }) => items.create(params),
      list: ({ params }: { params: { limit: string } }) => ({ items: items.list(Number(params.limit)) }),
    },
  });
  await broker.start();
  return { address: `${port}` };
}
