import type { Fields } from "#mesh/call/metadata.ts";
import { eachField, isFieldValue } from "#mesh/call/metadata.ts";
import type { NodeServerRequest } from "#mesh/server/node.ts";
import { headerOf } from "./rest-arrival.ts";

/** Longest user agent that is passed on. */
const longestAgent = 256;

/**
 * What a service is told of a stranger's request. A list of what goes through
 * and not of what does not: headers that mean something inside the mesh can so
 * not be smuggled in.
 */
export const inward = ["accept-language", "idempotency-key", "last-event-id"] as const;

/** And what is of HTTP itself, for those who answer by it. */
const inwardByHttp = [
  ...inward,
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-range",
  "range",
] as const;

export function inwardFields(request: NodeServerRequest, client: string): string[] {
  const fields = ["x-forwarded-for", client];
  const agent = headerOf(request, "user-agent");
  if (agent && isFieldValue(agent)) fields.push("x-forwarded-user-agent", agent.slice(0, longestAgent));
  for (const name of inwardByHttp) {
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
  eachField(header, (given, value) => {
    const name = given.toLowerCase();
    if (!outward.has(name) || !isFieldValue(value)) return;
    fields ??= [];
    fields.push(name, value);
  });
  return fields;
}
