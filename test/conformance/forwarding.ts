import { create } from "@bufbuild/protobuf";
import type { CallOptions, Transport } from "@connectrpc/connect";
import { ConnectError, createClient } from "@connectrpc/connect";
import type { Call } from "#mesh/call/call.ts";
import type { Handlers } from "#mesh/implementation.ts";
import { cameByGet } from "./handlers.ts";
import type { ConformanceContract, Suite } from "./suite.ts";

/**
 * Answers single calls by making them over another lane, so that the suite's
 * own peers, which speak only the protocols of others, test that lane too.
 * Streams, which it may not carry, are answered by `others`. Stands in front of
 * the server that answers, or of the client that makes the calls in the end.
 */
export function forwardingHandlers(
  { service, connectGetInfo }: Suite,
  transport: Transport,
  others: Handlers<ConformanceContract>,
  { frontOf }: { frontOf: "server" | "client" },
): Handlers<ConformanceContract> {
  const client = createClient(service, transport);
  return {
    ...others,
    unary: (request, call) => forward(call, (options) => client.unary(request, options)),
    unimplemented: (request, call) => forward(call, (options) => client.unimplemented(request, options)),
    idempotentUnary: (request, call) =>
      forward(call, async (options) => {
        const answer = await client.idempotentUnary(request, options);
        const info = answer.payload?.requestInfo;
        // Whether by GET is a matter of the server that is tested, not of the one behind it.
        if (info && frontOf === "server") {
          if (cameByGet(call)) info.connectGetInfo = create(connectGetInfo);
          else delete info.connectGetInfo;
        }
        return answer;
      }),
  };
}

/** Makes a call as the one at hand was made, and answers this one with all that comes back. */
async function forward<T>(call: Call, begin: (options: CallOptions) => Promise<T>): Promise<T> {
  const { deadline, signal, requestHeader, responseHeader, responseTrailer } = call;
  try {
    return await begin({
      headers: withoutOwn(requestHeader),
      signal,
      ...(Number.isFinite(deadline) && { timeoutMs: Math.max(1, deadline - Date.now()) }),
      onHeader: (header) => addAll(responseHeader, withoutOwn(header)),
      onTrailer: (trailer) => addAll(responseTrailer, withoutOwn(trailer)),
    });
  } catch (thrown) {
    const { rawMessage, code, metadata, details } = ConnectError.from(thrown);
    // Anew, since the library sends no metadata of an error that came from elsewhere.
    const error = new ConnectError(rawMessage, code, withoutOwn(metadata), undefined, thrown);
    error.details = details;
    throw error;
  }
}

/** Fields that each hop has its own of. */
const ownForm =
  /^(accept|accept-encoding|connection|content-.*|connect-.*|date|grpc-.*|host|keep-alive|te|traceparent|trailer|transfer-encoding|user-agent|x-correlation-id|x-request-id)$/;

function withoutOwn(headers: Headers): Headers {
  const kept = new Headers();
  headers.forEach((value, name) => {
    if (!ownForm.test(name)) kept.append(name, value);
  });
  return kept;
}

function addAll(to: Headers, from: Headers): void {
  from.forEach((value, name) => {
    to.append(name, value);
  });
}
