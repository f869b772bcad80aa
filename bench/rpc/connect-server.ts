import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { BenchService } from "../../.weft/bench-gen/bench/v1/bench_pb.js";
import { answers } from "./answers.ts";

/** connect-node's own server; it answers gRPC and Connect alike. */
export async function startServer() {
  const handler = connectNodeAdapter({ routes: (router) => router.service(BenchService, answers) });
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
