import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Logger } from "../log/logger.ts";
import { peerKey } from "../rpc/record.ts";
import type { ServerLimits } from "./limits.ts";
import type { NodeServerRequest, NodeServerResponse, RouteAnswer, Routes } from "./node.ts";
import type { StallGuard } from "./stall-guard.ts";
import { answerUnknown } from "./unknown.ts";

export interface AdapterOptions {
  handlers: readonly UniversalHandler[];
  routes: Routes;
  limits: ServerLimits;
  stallGuard: StallGuard;
  log: Logger;
}

/** Brings requests of either HTTP version to the handler of their path. */
export function createAdapter(options: AdapterOptions) {
  const { routes, limits, stallGuard, log } = options;
  const handlers = new Map(options.handlers.map((handler) => [handler.requestPath, handler]));
  return (request: NodeServerRequest, response: NodeServerResponse): void => {
    const [path = ""] = (request.url ?? "").split("?", 1);
    const outgoing = stallGuard.watch(outgoingOf(request, response));
    response.once("close", outgoing.done);
    const handler = handlers.get(path);
    if (handler) {
      limitBody(request, response, handler, limits.bodyMs);
      answerRpc(request, response, handler, log);
      return;
    }
    const route = request.method === "GET" || request.method === "HEAD" ? routes.get(path) : undefined;
    if (route) {
      void answerRoute(request, response, route, log);
      return;
    }
    log.info({ path: path.slice(0, 200), peer: peerAddress(request) }, "unknown path");
    answerUnknown(request, response);
  };
}

function answerRpc(
  request: NodeServerRequest,
  response: NodeServerResponse,
  handler: UniversalHandler,
  log: Logger,
): void {
  const contextValues = createContextValues();
  contextValues.set(peerKey, { address: peerAddress(request), protocol: `http/${request.httpVersion}` });
  try {
    const universal = universalRequestFromNodeRequest(request, response as never, undefined, contextValues);
    handler(universal)
      .then((answer) => universalResponseToNodeResponse(answer, response as never))
      .catch((error: unknown) => {
        const { code } = ConnectError.from(error);
        if (code !== Code.Aborted && code !== Code.Canceled)
          log.debug({ err: error }, "answer not delivered");
        response.destroy();
      });
  } catch (error) {
    // A Host header that is missing or no host: the request has no URL then.
    log.info({ err: error, peer: peerAddress(request) }, "bad request");
    response.writeHead(400, { "content-length": 0 });
    response.end("");
  }
}

/**
 * An absolute bound on the time of a request body. Deadlines do not help here,
 * since they are the client's to set, and a client stream may rightly last.
 */
function limitBody(
  request: NodeServerRequest,
  response: NodeServerResponse,
  { method }: UniversalHandler,
  bodyMs: number,
): void {
  if (method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming") return;
  const timer = setTimeout(() => {
    if ("stream" in request) request.stream.close(0x0b);
    else request.socket.destroy();
  }, bodyMs);
  const clear = () => clearTimeout(timer);
  request.once("end", clear);
  request.once("close", clear);
  response.once("close", clear);
}

async function answerRoute(
  request: NodeServerRequest,
  response: NodeServerResponse,
  route: () => Promise<RouteAnswer>,
  log: Logger,
): Promise<void> {
  try {
    const { status, contentType, body } = await route();
    response.writeHead(status, {
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? "" : body);
  } catch (error) {
    log.error({ err: error }, "route failed");
    if (!response.headersSent) response.writeHead(500);
    response.end("");
  }
}

const peerAddress = (request: NodeServerRequest) => request.socket?.remoteAddress ?? "";

function outgoingOf(request: NodeServerRequest, response: NodeServerResponse) {
  if ("stream" in request) {
    const { stream } = request;
    return {
      pending: () => stream.writableLength,
      get socket() {
        return stream.session?.socket ?? null;
      },
      // The whole connection: its window is the peer's to starve for every stream.
      abort: () => stream.session?.destroy(undefined, 0x0b),
    };
  }
  return {
    pending: () => response.writableLength,
    socket: request.socket,
    abort: () => request.socket.destroy(),
  };
}
