import { ServiceBroker } from "moleculer";
import ApiGateway from "moleculer-web";
import { freePort } from "../../../mesh/testing/free-port.ts";
import type { PeerOptions } from "../../harness/orders.ts";

export async function startServer({ backend }: PeerOptions) {
  const port = await freePort();
  const broker = new ServiceBroker({
    namespace: `bench-${backend}`,
    nodeID: "gateway",
    logger: false,
    transporter: {
      type: "TCP",
      options: { udpDiscovery: false, useHostname: false, urls: `127.0.0.1:${backend}/backend` },
    },
  });
  broker.createService({
    name: "api",
    mixins: [ApiGateway],
    settings: {
      ip: "127.0.0.1",
      port,
      routes: [
        {
          path: "/api/v1",
          mappingPolicy: "restrict",
          bodyParsers: { json: true },
          aliases: {
            "GET items/:id": "items.get",
            "POST items": "items.create",
            "GET items": "items.list",
          },
        },
      ],
    },
  });
  await broker.start();
  await broker.waitForServices("items", 20_000);
  return { address: `http://127.0.0.1:${port}` };
}
