import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly bytes: Buffer;
  header(name: string): string;
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Instead of an answer: the connection is closed, or stays silent. `lost` is closed before anything was done. */
export type Silence = "hang_up" | "never" | "lost";

/** Nothing where the path is none of its own. */
export type Route = (request: Request) => Promise<Reply | Silence> | Reply | Silence | undefined;

const mostBodyBytes = 256 * 1024;

/** A server on the loopback interface that asks each route in turn. */
export async function listen(port: number, routes: readonly Route[]): Promise<Server> {
  const server = createServer((incoming, response) => {
    answer(incoming, response, routes).catch((error: unknown) => {
      if (!response.headersSent) send(response, { status: 500, body: { error: { message: String(error) } } });
    });
  });
  await new Promise<void>((done, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", done);
  });
  return server;
}

export const portOf = (server: Server): number => (server.address() as AddressInfo).port;

export async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeAllConnections();
  await closed;
}

const here = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** Pages of the web reach loopback too, and names of others may be made to lead here. */
const isFromPage = ({ headers }: IncomingMessage): boolean =>
  !here.test(headers.host ?? "") ||
  headers.origin !== undefined ||
  headers["sec-fetch-site"] === "cross-site";

async function answer(incoming: IncomingMessage, response: ServerResponse, routes: readonly Route[]) {
  if (isFromPage(incoming)) {
    return send(response, { status: 403, body: { error: { message: "not for pages of the web" } } });
  }
  const bytes = await bodyOf(incoming);
  if (bytes === undefined) return send(response, { status: 413, body: { error: { message: "too large" } } });
  const url = new URL(`http://sandbox${incoming.url ?? "/"}`);
  const request: Request = {
    method: incoming.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    body: bytes.toString(),
    bytes,
    header: (name) => `${incoming.headers[name] ?? ""}`,
  };
  for (const route of routes) {
    const reply = await route(request);
    if (reply === undefined) continue;
    if (reply === "hang_up" || reply === "lost") incoming.socket.destroy();
    else if (reply !== "never") send(response, reply);
    return;
  }
  send(response, {
    status: 404,
    body: { error: { type: "invalid_request_error", message: "Unrecognized request URL; see GET /" } },
  });
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= mostBodyBytes) chunks.push(chunk);
  }
  return size > mostBodyBytes ? undefined : Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, body, headers = {} }: Reply) {
  const text = body === undefined ? "" : JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
}
