import { ServiceBroker } from "moleculer";
import type { BenchClient } from "./client.ts";
import type { Item } from "./messages.ts";

export async function startClient(address: string): Promise<BenchClient<number>> {
  const broker = new ServiceBroker({
    namespace: `bench-${address}`,
    nodeID: "client",
    logger: false,
    transporter: {
      type: "TCP",
      options: { udpDiscovery: false, useHostname: false, urls: `127.0.0.1:${address}/server` },
    },
  });
  await broker.start();
  await broker.waitForServices("bench", 20_000);
  return {
    int64: Number,
    echo: (message) => broker.call("bench.echo", message),
    get: (id) => broker.call("bench.get", { id }),
    list: async (limit) =>
      (await broker.call<{ items: Item<number>[] }, { limit: number }>("bench.list", { limit })).items,
  };
}
