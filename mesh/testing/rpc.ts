import type { ClientHttp2Session } from "node:http2";
import { connect } from "node:http2";
import type { Client } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import type { ServerLimits } from "../bounds/limits.ts";
import { serverLimits } from "../bounds/limits.ts";
import { compilePolicies } from "../contract/policy.ts";
import { handlers } from "../implementation.ts";
import { createLogger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { Authenticator } from "../rpc/authenticate.ts";
import { nobody } from "../rpc/authenticate.ts";
import { createRpc } from "../rpc/rpc.ts";
import { openPort } from "../server/port.ts";
import type { SpanSink } from "../telemetry/span.ts";
import { createTelemetry } from "../telemetry/telemetry.ts";
import type { LogLine, Logs } from "./logs.ts";
import { collectLogs } from "./logs.ts";
import type { ProbeContract, ProbeHandlers } from "./probe.ts";
import { ProbeService, usualHandlers } from "./probe.ts";

export type Protocol = "connect" | "grpc" | "grpc-web";

/** The probe's answers on a port of its own, without the stores that a hosted service has. */
export interface Rpc extends AsyncDisposable {
  client(protocol?: Protocol): Client<ProbeContract>;
  readonly handlers: readonly UniversalHandler[];
  readonly port: number;
  /** Sends one HTTP/2 request, for what no client would send; gives the status when the answer has ended. */
  send(method: string, headers: Record<string, string>, body?: Uint8Array | "unfinished"): Promise<number>;
  /** Lines about calls, once there are as many as wanted. */
  calls(wanted?: number): Promise<readonly LogLine[]>;
  readonly metrics: Metrics;
  readonly stopping: AbortController;
  /** Everything that was logged. */
  readonly logs: Logs;
  /** Takes no new connections and lets what runs finish. */
  drain(graceMs: number): Promise<void>;
}

export interface RpcLimits {
  /** Default: those of `serverLimits`. */
  limits?: Partial<ServerLimits>;
  /** Where spans go, all of them. Default: nowhere. */
  sink?: SpanSink;
}

export async function openRpc(
  own: Partial<ProbeHandlers> = {},
  authenticate: Authenticator = async () => nobody,
  { limits, sink }: RpcLimits = {},
): Promise<Rpc> {
  const logs = collectLogs();
  const log = createLogger({ service: "probe", level: "info", contracts: [ProbeService], destination: logs });
  const metrics = createMetrics("probe");
  const stopping = new AbortController();
  const rpc = createRpc({
    implementations: [handlers(ProbeService, { ...usualHandlers, ...own })],
    policies: compilePolicies("probe", [ProbeService]),
    authenticate,
    telemetry: createTelemetry({
      service: "probe",
      log,
      metrics,
      destination: logs,
      ...(sink && { sinks: [sink], traceRatio: 1 }),
    }),
    log,
    stopping: stopping.signal,
  });
  const port = await openPort({
    host: "127.0.0.1",
    port: 0,
    rpc,
    routes: new Map(),
    log,
    limits: { ...serverLimits, ...limits },
  });
  const baseUrl = `http://127.0.0.1:${port.port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const options = { baseUrl, httpVersion: "2" as const, sessionManager };
  let raw: ClientHttp2Session | undefined;
  const about = () => logs.lines.filter((it) => it.method !== undefined);
  return {
    client: (protocol = "connect") => createClient(ProbeService, transports[protocol](options)),
    handlers: rpc.handlers,
    port: port.port,
    send: (method, headers, body) => {
      raw ??= connect(baseUrl);
      return sendOn(raw, { ":path": `/probe.v1.ProbeService/${method}`, ...headers }, body);
    },
    calls: async (wanted = 1) => {
      // A line is written when the answer has left, which may be after the caller has it.
      for (let i = 0; i < 200 && about().length < wanted; i++)
        await new Promise((resolve) => setTimeout(resolve, 5));
      return about();
    },
    metrics,
    stopping,
    logs,
    drain: (graceMs) => port.drain(graceMs),
    [Symbol.asyncDispose]: async () => {
      sessionManager.abort();
      raw?.destroy();
      await port.drain(0);
    },
  };
}

const transports = {
  connect: createConnectTransport,
  grpc: createGrpcTransport,
  "grpc-web": createGrpcWebTransport,
};

function sendOn(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body: Uint8Array | "unfinished" | undefined,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ...headers }, { endStream: false });
    let status = 0;
    stream.on("response", (answer) => {
      status = answer[":status"] ?? 0;
    });
    stream.on("error", reject);
    stream.on("end", () => {
      stream.close();
      resolve(status);
    });
    stream.resume();
    if (body !== "unfinished") stream.end(body);
  });
}
