import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { codeName } from "../errors.ts";
import { plainGrpcMessage } from "./grpc-message.ts";
import type { Intake } from "./intake.ts";
import type { AnsweredMethod } from "./method.ts";
import type { CallRecord } from "./record.ts";
import { peerKey, recordKey } from "./record.ts";
import { capTimeouts } from "./timeouts.ts";
import { blameInTrailers, blameTheSender } from "./unreadable.ts";

/**
 * Wraps a handler so that its end is seen: also of calls that never reach an
 * interceptor, such as those whose body cannot be parsed.
 */
export function observed(
  handler: UniversalHandler,
  method: AnsweredMethod,
  intake: Pick<Intake, "over">,
): UniversalHandler {
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

const internal = codeName(Code.Internal);
