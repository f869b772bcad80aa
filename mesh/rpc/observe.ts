import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { describeCaller } from "../call/identity.ts";
import { codeName, reasonOf } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { plainGrpcMessage } from "./grpc-message.ts";
import type { Intake } from "./intake.ts";
import type { CallRecord } from "./record.ts";
import { peerKey, recordKey } from "./record.ts";
import { capTimeouts } from "./timeouts.ts";
import { blameInTrailers, blameTheSender } from "./unreadable.ts";

/** Told how each call ended, whichever way it came in. */
export type Observer = (record: CallRecord, code: string) => void;

/**
 * Wraps a handler so that its end is seen: also of calls that never reach an
 * interceptor, such as those whose body cannot be parsed.
 */
export function observed(handler: UniversalHandler, intake: Pick<Intake, "over">): UniversalHandler {
  const method = `${handler.service.typeName}/${handler.method.name}`;
  const run = async (request: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const contextValues = request.contextValues ?? createContextValues();
    const record: CallRecord = { method, startedAt: performance.now(), peer: contextValues.get(peerKey) };
    contextValues.set(recordKey, record);
    const ended = (response?: UniversalServerResponse) => {
      if (response) blameInTrailers(response, record);
      if (response?.trailer) plainGrpcMessage(response.trailer);
      intake.over(record, outcome(record, request, response));
    };
    capTimeouts(request.header);
    let response: UniversalServerResponse;
    try {
      response = await blameTheSender(await handler({ ...request, contextValues }), record);
    } catch (error) {
      record.error ??= error;
      ended();
      throw error;
    }
    if (!response.body) {
      ended(response);
      return response;
    }
    return { ...response, body: watchEnd(response.body, () => ended(response)) };
  };
  const { protocolNames, service, method: desc, requestPath, allowedMethods, supportedContentType } = handler;
  return Object.assign(run, {
    protocolNames,
    service,
    method: desc,
    requestPath,
    allowedMethods,
    supportedContentType,
  });
}

async function* watchEnd(body: AsyncIterable<Uint8Array>, ended: () => void): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } finally {
    ended();
  }
}

/** The code that the call ended with, for errors that only the protocol handler saw too. */
function outcome(
  { error, began, answered }: CallRecord,
  request: UniversalServerRequest,
  response: UniversalServerResponse | undefined,
): string {
  if (error !== undefined) return codeName(ConnectError.from(error).code);
  const code = response && codeOnWire(response);
  // The library answers what it cannot decode as if that were our mistake.
  const unreadable = code === undefined || code === internal;
  if (!began && unreadable) return request.signal.aborted ? "canceled" : "unreadable_request";
  return code ?? (answered ? "ok" : "canceled");
}

/** As far as it stands in status and trailers; the body of a stream may tell of an error too. */
function codeOnWire({ status, header, trailer }: UniversalServerResponse): string | undefined {
  const grpc = trailer?.get("grpc-status") ?? new Headers(header).get("grpc-status");
  if (grpc && grpc !== "0") return codeName(Number(grpc));
  return status >= 400 ? (httpCodes[status] ?? "unknown") : undefined;
}

const httpCodes: Readonly<Record<number, string>> = {
  400: "invalid_argument",
  404: "unimplemented",
  405: "bad_http_method",
  413: "resource_exhausted",
  415: "bad_content_type",
  429: "resource_exhausted",
  500: "internal",
  505: "bad_http_version",
};

/** One log line and one measurement a call. */
export function createObserver(log: Logger, metrics: Metrics): Observer {
  const duration = metrics.histogram({
    name: "weft_rpc_server_duration_seconds",
    help: "Time to answer calls, by method, outcome and calling service.",
    labels: ["method", "code", "caller"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
  });
  return (record, code) => {
    const { call, error, ids, method, peer, startedAt } = record;
    const ms = performance.now() - startedAt;
    const service = call?.caller.service?.name ?? (call?.caller.user ? "user" : "anonymous");
    duration.observe({ method, code, caller: service }, ms / 1000);
    const line = {
      method,
      code,
      duration: Math.round(ms * 1000) / 1000,
      caller: call ? describeCaller(call.caller) : undefined,
      peer: peer.address || undefined,
      ...ids,
      ...(error === undefined ? {} : { reason: reasonOf(error), error: messageOf(error) }),
    };
    if (isOurs(code)) log.error({ ...line, err: causeOf(error) }, "call failed");
    else log.info(line, "call");
  };
}

const messageOf = (error: unknown) => (error instanceof ConnectError ? error.rawMessage : String(error));
const causeOf = (error: unknown) => (error instanceof ConnectError ? (error.cause ?? error) : error);
const internal = codeName(Code.Internal);
const ours = new Set([Code.Internal, Code.Unknown, Code.DataLoss].map(codeName));
const isOurs = (code: string) => ours.has(code);
