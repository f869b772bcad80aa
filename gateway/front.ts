import type { Logger } from "#mesh";
import { toWireError } from "#mesh/errors.ts";
import { idsOf } from "#mesh/rpc/ids.ts";
import type { Front } from "#mesh/server/front.ts";
import type { NodeServerRequest, NodeServerResponse } from "#mesh/server/node.ts";
import type { ClientOf } from "./edge/client-of.ts";
import type { Cors } from "./edge/cors.ts";
import { answerPreflight, isPreflight, nameOrigin } from "./edge/cors.ts";
import { Exchange } from "./edge/exchange.ts";
import type { FindPage } from "./edge/pages.ts";
import type { AnswerRoute } from "./edge/rest.ts";
import { answerByRoute } from "./edge/rest.ts";
import { headerOf } from "./edge/rest-arrival.ts";
import { secureAnswer } from "./edge/security-headers.ts";
import { answerNoRoute } from "./edge/unknown-path.ts";
import { versionedPath } from "./edge/versions.ts";
import type { Snapshot } from "./served/snapshot.ts";

export interface FrontOptions {
  readonly snapshot: () => Snapshot;
  readonly cors: Cors;
  readonly clientOf: ClientOf;
  readonly isTrusted: (address: string) => boolean;
  /** What is no route: health, metrics, docs. */
  readonly pages: FindPage;
  readonly answer: AnswerRoute;
  readonly log: Logger;
}

/** What the gateway's port answers: web pages, routes and RPCs of the services behind it. */
export function createFront(options: FrontOptions): Front {
  const { snapshot, cors, clientOf, isTrusted, pages, answer, log } = options;

  const serve = async (exchange: Exchange, url: string): Promise<void> => {
    const { request } = exchange;
    const mark = url.indexOf("?");
    const raw = mark < 0 ? url : url.slice(0, mark);
    const query = mark < 0 ? "" : url.slice(mark + 1);
    const verb = request.method ?? "";
    const now = snapshot();
    try {
      const page = verb === "GET" || verb === "HEAD" ? pages(raw) : undefined;
      if (page) {
        await page(exchange);
        return;
      }
      const path = versionedPath(raw, exchange.header("api-version"), now.versions);
      const match = now.router.match(verb, path);
      if (match) {
        await answerByRoute(answer, exchange, match, query);
        return;
      }
      log.debug({ verb, path: raw.slice(0, 200), peer: exchange.client }, "no route");
      await answerNoRoute(exchange, now, verb, path);
    } catch (thrown) {
      await exchange.fail(toWireError(thrown));
    }
  };

  const isSecure = (request: NodeServerRequest) =>
    cameByTls(request) && isTrusted(request.socket?.remoteAddress ?? "");

  /** Answers what is no question of ours, and says so. */
  const isAnswered = (request: NodeServerRequest, response: NodeServerResponse): boolean => {
    if (isTooOld(request)) {
      refuseVersion(response);
      return true;
    }
    if (!isPreflight(request)) return false;
    secureAnswer(response, isSecure(request));
    answerPreflight(cors, request, response);
    return true;
  };

  return {
    greet(request, response) {
      if (isAnswered(request, response)) return true;
      secureAnswer(response, isSecure(request));
      nameOrigin(response, cors.allowed(request.headers.origin));
      return false;
    },

    handler: (path) => snapshot().handlers.get(path),

    serve(request, response, openHold) {
      if (isAnswered(request, response)) return undefined;
      const socketAddress = request.socket?.remoteAddress ?? "";
      const client = clientOf(socketAddress, headerOf(request, "x-forwarded-for"));
      const exchange = new Exchange({
        request,
        response,
        ids: idsOf({ header: (name) => headerOf(request, name) }),
        client,
        origin: cors.allowed(request.headers.origin),
        secure: isSecure(request),
        openHold,
      });
      return serve(exchange, request.url ?? "/");
    },
  };
}

const cameByTls = ({ headers }: NodeServerRequest) => headers["x-forwarded-proto"] === "https";

/** HTTP/0.9 has no headers, so of what follows nobody can tell whose it is; Node takes it all the same. */
const isTooOld = ({ httpVersionMajor }: NodeServerRequest) => httpVersionMajor < 1;

function refuseVersion(response: NodeServerResponse): void {
  response.writeHead(505, { connection: "close", "content-length": 0 });
  response.end();
}
