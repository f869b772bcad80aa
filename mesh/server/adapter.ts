import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { Socket } from "node:net";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import type { Held, Hold } from "../bounds/held.ts";
import type { ServerLimits } from "../bounds/limits.ts";
import type { Share } from "../bounds/share.ts";
import { createShare } from "../bounds/share.ts";
import type { Outgoing, StallGuard } from "../bounds/stall-guard.ts";
import type { Logger } from "../log/logger.ts";
import { peerKey } from "../rpc/record.ts";
import { cutRequest, holdAnswer, lastsLong, limitBody, readBody, sentWhole } from "./body.ts";
import type { Front } from "./front.ts";
import { cutSession } from "./http2.ts";
import type { NodeServerRequest, NodeServerResponse, RouteAnswer, Routes } from "./node.ts";
import { answerUnknown } from "./unknown.ts";

export interface AdapterOptions {
  handlers: readonly UniversalHandler[];
  routes: Routes;
  limits: ServerLimits;
  stallGuard: StallGuard;
  /** Counted over all lanes of a port. */
  calls: Share;
  held: Held;
  log: Logger;
  /** Answers what is neither an RPC of this process nor, without it, a route. */
  front?: Front | undefined;
}

/** Brings requests of either HTTP version to the handler of their path. */
export function createAdapter(options: AdapterOptions) {
  const { routes, limits, stallGuard, calls, held, log, front } = options;
  const handlers = new Map(options.handlers.map((handler) => [handler.requestPath, handler]));
  const openStreams = createShare({ total: limits.openStreams, each: limits.openStreamsPerAddress });

  const serve = async (request: NodeServerRequest, response: NodeServerResponse) => {
    // Those who read a body listen only while they do; an error that comes later would end the process.
    request.on("error", ignore);
    const path = pathOf(request);
    const peer = peerAddress(request);
    const outgoing = stallGuard.watch(outgoingOf(request, response));
    let giveBack: (() => void) | undefined;
    response.once("close", () => {
      outgoing.done();
      giveBack?.();
    });
    const handler = handlers.get(path) ?? front?.handler(path);
    const unhurried = handler ? lastsLong(handler) : front !== undefined;
    const limitMs = unhurried ? undefined : limits.bodyMs;
    limitBody(request, response, { limitMs, lingerMs: limits.lingerMs });
    if (tooManyFields(request, limits.headerFields)) {
      log.info({ peer }, "bad request: too many header fields");
      await sentWhole(request, limits.lingerMs);
      answerPlainly(response, 431);
      return;
    }
    if (handler || front) {
      giveBack = (handler && isOpenStream(handler) ? openStreams : calls).take(peer);
      if (!giveBack) {
        log.warn({ peer, path }, "call refused: too many at once");
        refuse(request, response);
        return;
      }
      if (!handler) await front?.serve(request, response, () => holdFor(request, response, { held, log }));
      else if (!front?.greet(request, response)) {
        await answerRpc(request, response, handler, { held, limits, log });
      }
      return;
    }
    const route = request.method === "GET" || request.method === "HEAD" ? routes.get(path) : undefined;
    if (route) {
      await answerRoute(request, response, route, log);
      return;
    }
    log.info({ path: path.slice(0, 200), peer }, "unknown path");
    await sentWhole(request, limits.lingerMs);
    answerUnknown(request, response);
  };

  return (request: NodeServerRequest, response: NodeServerResponse): void => {
    serve(request, response).catch((error: unknown) => {
      // Whoever hangs up while we look for an answer is no fault of ours.
      if (isGone(request)) log.debug({ err: error }, "answer not delivered");
      else log.error({ err: error, peer: peerAddress(request) }, "request failed");
      response.destroy();
    });
  };
}

interface Means {
  held: Held;
  limits: ServerLimits;
  log: Logger;
}

/** Streams that anybody may open and keep: health and reflection, the services of gRPC itself. */
const isOpenStream = ({ service, method }: UniversalHandler) =>
  service.typeName.startsWith("grpc.") && method.methodKind !== "unary";

async function answerRpc(
  request: NodeServerRequest,
  response: NodeServerResponse,
  handler: UniversalHandler,
  { held, limits, log }: Means,
): Promise<void> {
  const asked = universalOf(request, response);
  if (!asked) {
    log.info({ peer: peerAddress(request) }, "bad request: its host is missing or none");
    await sentWhole(request, limits.lingerMs);
    answerPlainly(response, 400);
    return;
  }
  const hold = holdFor(request, response, { held, log });
  try {
    const { body, ...answer } = await handler({ ...asked, body: readBody(request, handler, limits, hold) });
    await sentWhole(request, limits.lingerMs, !lastsLong(handler));
    await universalResponseToNodeResponse(
      body ? { ...answer, body: holdAnswer(body, hold) } : answer,
      response as never,
    );
  } catch (error) {
    const { code } = ConnectError.from(error);
    if (code !== Code.Aborted && code !== Code.Canceled) log.debug({ err: error }, "answer not delivered");
    response.destroy();
  }
}

/** Counts what a request holds until it is answered, and cuts it when all together hold too much. */
function holdFor(
  request: NodeServerRequest,
  response: NodeServerResponse,
  { held, log }: Pick<Means, "held" | "log">,
): Hold {
  const hold = held.open(() => {
    const path = pathOf(request).slice(0, 200);
    log.warn({ peer: peerAddress(request), path }, "call cut: too many bytes held");
    cutRequest(request);
  });
  response.once("close", hold.close);
  return hold;
}

/** The request as handlers take it, unless it has no host to make an address with. */
function universalOf(
  request: NodeServerRequest,
  response: NodeServerResponse,
): UniversalServerRequest | undefined {
  const contextValues = createContextValues();
  contextValues.set(peerKey, { address: peerAddress(request), protocol: `http/${request.httpVersion}` });
  try {
    return universalRequestFromNodeRequest(request, response as never, undefined, contextValues);
  } catch {
    return undefined;
  }
}

async function answerRoute(
  request: NodeServerRequest,
  response: NodeServerResponse,
  route: () => Promise<RouteAnswer>,
  log: Logger,
): Promise<void> {
  const answer = await route().catch((error: unknown) => {
    log.error({ err: error }, "route failed");
  });
  if (!answer) {
    answerPlainly(response, 500);
    return;
  }
  const { status, contentType, body } = answer;
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? "" : body);
}

function answerPlainly(response: NodeServerResponse, status: number): void {
  response.writeHead(status, { "content-length": 0 });
  response.end("");
}

/** Who hangs up is told of by whoever waits for the body. */
function ignore(): void {}

function pathOf({ url = "" }: NodeServerRequest): string {
  const mark = url.indexOf("?");
  return mark < 0 ? url : url.slice(0, mark);
}

const isGone = (request: NodeServerRequest) =>
  "stream" in request ? request.stream.destroyed : request.socket.destroyed;

const peerAddress = (request: NodeServerRequest) => request.socket?.remoteAddress ?? "";

/** Node drops what is beyond the number; the one above it tells that there was more. */
const tooManyFields = (request: NodeServerRequest, allowed: number) =>
  request.rawHeaders.length / 2 > allowed;

/** Turns a call away before anything was done for it, so that it may be tried again (RFC 9113 §8.7). */
function refuse(request: NodeServerRequest, response: NodeServerResponse): void {
  if ("stream" in request) request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
  else answerPlainly(response, 503);
}

function outgoingOf(request: NodeServerRequest, response: NodeServerResponse): Outgoing {
  return "stream" in request
    ? new Http2Outgoing(request.stream)
    : new Http1Outgoing(request.socket, response);
}

/** A class, as there is one for each request: an object with closures costs more. */
class Http1Outgoing implements Outgoing {
  readonly socket: Socket;
  private readonly response: NodeServerResponse;

  constructor(socket: Socket, response: NodeServerResponse) {
    this.socket = socket;
    this.response = response;
  }

  pending(): number {
    return this.response.writableLength;
  }

  abort(): void {
    this.socket.destroy();
  }
}

class Http2Outgoing implements Outgoing {
  private readonly stream: ServerHttp2Stream;
  private readonly session: ServerHttp2Session | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream;
    this.session = stream.session as ServerHttp2Session | undefined;
  }

  get socket() {
    return this.session?.socket ?? null;
  }

  /** Its end is one more thing to send: nghttp2 keeps it for itself when it has given the peer up. */
  pending(): number {
    const { writableLength, writableEnded, closed } = this.stream;
    return writableLength + (writableEnded && !closed ? 1 : 0);
  }

  /** The whole connection: its window is the peer's to starve for every stream. */
  abort(): void {
    if (this.session) cutSession(this.session, "answers lie unread");
  }
}
