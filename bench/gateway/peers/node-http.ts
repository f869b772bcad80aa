/** What Node's own server can do at best: no routing to speak of, no backend, answers made beforehand. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createItems, idOf } from "../items.ts";

const prefix = "/api/v1/items/";

export async function startServer() {
  const items = createItems(Number);
  const texts = new Map(
    Array.from({ length: 1000 }, (_, index) => [idOf(index), JSON.stringify(items.get(idOf(index)))]),
  );
  const listed = JSON.stringify({ items: items.list(100) });
  const server = createServer((request, response) => {
    const { method, url = "" } = request;
    if (method === "POST") read(request, (body) => send(response, JSON.stringify(items.create(body))));
    else if (url.startsWith(prefix)) send(response, texts.get(url.slice(prefix.length)) ?? "{}");
    else send(response, listed);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function read(request: IncomingMessage, then: (body: ReturnType<typeof JSON.parse>) => void): void {
  let text = "";
  request.setEncoding("utf8");
  request.on("data", (part: string) => {
    text += part;
  });
  request.on("end", () => then(JSON.parse(text)));
}

function send(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
