import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { BenchService } from "../../.weft/bench-gen/bench/v1/bench_pb.js";
import type { PeerOptions } from "../harness/orders.ts";
import { benchClient } from "./es-client.ts";

/** connect-node's own client over HTTP/2, binary; `protocol` says which of its protocols. */
export async function startClient(address: string, { protocol }: PeerOptions) {
  const transport =
    protocol === "connect"
      ? createConnectTransport({ baseUrl: address, httpVersion: "2", useBinaryFormat: true })
      : createGrpcTransport({ baseUrl: address });
  return benchClient(createClient(BenchService, transport));
}
