import type { Fields } from "#mesh/call/metadata.ts";
import { isFieldValue } from "#mesh/call/metadata.ts";
import type { NodeServerRequest } from "#mesh/server/node.ts";
import { headerOf } from "./rest-arrival.ts";

/** Longest user agent that is passed on. */
const longestAgent = 256;

/**
 * What a service is told of a stranger's request. A list of what goes through
 * and not of what does not: headers that mean something inside the mesh can so
 * not be smuggled in.
 */
const inward = [
  "accept-language",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-range",
  "range",
  "last-event-id",
] as const;

export function inwardFields(request: NodeServerRequest, client: string): string[] {
  const fields = ["x-forwarded-for", client];
  const agent = headerOf(request, "user-agent");
  if (agent && isFieldValue(agent)) fields.push("x-forwarded-user-agent", agent.slice(0, longestAgent));
  for (const name of inward) {
    const value = request.headers[name];
    if (typeof value === "string" && isFieldValue(value)) fields.push(name, value);
  }
  return fields;
}

/** What a service may say in headers of an answer; all else of HTTP is the gateway's to say. */
const outward = new Set([
  "etag",
  "last-modified",
  "location",
  "content-disposition",
  "content-language",
  "content-range",
  "accept-ranges",
  "cache-control",
  "expires",
  "deprecation",
  "sunset",
  "link",
  "retry-after",
]);

/** Of the metadata of an answer, what goes out, in pairs. */
export function outwardFields(header: Fields): Fields {
  if (!header) return undefined;
  let fields: string[] | undefined;
  for (let at = 0; at + 1 < header.length; at += 2) {
    const [name = "", value = ""] = [header[at]?.toLowerCase(), header[at + 1]];
    if (!outward.has(name) || !isFieldValue(value)) continue;
    fields ??= [];
    fields.push(name, value);
  }
  return fields;
}
