import type { HttpLoad, HttpRequest } from "./tool.ts";

/** Requests as they go over the wire, with a zero byte between. */
export function requestsText({ url, requests }: Pick<HttpLoad, "url" | "requests">): string {
  const { host } = new URL(url);
  return requests.map((request) => requestText(host, request)).join("\0");
}

function requestText(host: string, { method, path, headers, body = "" }: HttpRequest): string {
  const length = body === "" ? {} : { "content-length": `${Buffer.byteLength(body)}` };
  const lines = Object.entries({ host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path} HTTP/1.1`, ...lines, "", body].join("\r\n");
}
