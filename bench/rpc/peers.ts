import type { Peer } from "../harness/contender.ts";
import type { PeerOptions } from "../harness/orders.ts";
import { fileUrl } from "./proto.ts";

const peer = (name: string, modules: string, options: PeerOptions = {}): Peer => ({
  name,
  server: fileUrl(`${modules}-server.ts`),
  client: fileUrl(`${modules}-client.ts`),
  options,
});

export const weft = (options: PeerOptions = {}, name = "weft") => peer(name, "weft", options);

export const grpcJs = peer("grpc-js", "grpc-js");
export const connectGrpc = peer("connect-node", "connect", { protocol: "grpc" });
export const connectConnect = peer("connect-node-connect", "connect", { protocol: "connect" });
export const nestjs = peer("nestjs", "nestjs");
export const moleculer = peer("moleculer", "moleculer");
