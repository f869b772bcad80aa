import type { Attributes } from "./span.ts";

export interface RpcFacts {
  readonly protocol: "connect" | "grpc" | "grpc-web";
  /** Full name, such as `order.v1.OrderService/CreateOrder`. */
  readonly method: string;
  /** `ok`, or the code of the error. */
  readonly code: string;
  /** The calling service at the called side, the called one at the calling side. */
  readonly peerService?: string | undefined;
  /** The other end of the socket. */
  readonly peerAddress?: string | undefined;
  readonly serverAddress?: string | undefined;
  readonly serverPort?: number | undefined;
  readonly requestId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** Which try this is, from 1. */
  readonly attempt?: number | undefined;
}

const grpcCodes: readonly string[] = [
  "ok",
  "canceled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
];

/** Facts about a call under the names of OpenTelemetry's conventions for RPC. Only worth it for a recorded span. */
export function rpcAttributes(facts: RpcFacts): Attributes {
  const { method, code, protocol } = facts;
  const slash = method.indexOf("/");
  const isConnect = protocol === "connect";
  const out: Record<string, string | number | boolean> = {
    "rpc.system": isConnect ? "connect_rpc" : "grpc",
    "rpc.service": method.slice(0, Math.max(0, slash)),
    "rpc.method": method.slice(slash + 1),
  };
  if (code !== "ok") out["error.type"] = code;
  if (!isConnect) out["rpc.grpc.status_code"] = Math.max(grpcCodes.indexOf(code), code === "ok" ? 0 : 2);
  else if (code !== "ok") out["rpc.connect_rpc.error_code"] = code;
  if (facts.peerService) out["peer.service"] = facts.peerService;
  if (facts.peerAddress) out["network.peer.address"] = facts.peerAddress;
  if (facts.serverAddress) out["server.address"] = facts.serverAddress;
  if (facts.serverPort) out["server.port"] = facts.serverPort;
  if (facts.requestId) out["weft.request_id"] = facts.requestId;
  if (facts.correlationId) out["weft.correlation_id"] = facts.correlationId;
  if (facts.attempt !== undefined && facts.attempt > 1) out["weft.attempt"] = facts.attempt;
  return out;
}
