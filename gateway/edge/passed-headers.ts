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

/** What decides who asks and how it goes on is the gateway's to say, whatever a contract wants to be told. */
const ours =
  /^(?:authorization|proxy-.*|cookie2?|host|connection|te|trailer|upgrade|keep-alive|transfer-encoding|content-.*|forwarded|x-forwarded-.*|x-real-ip|x-request-id|x-correlation-id|x-service-name|x-gateway-service|traceparent|tracestate|baggage|grpc-.*|connect-.*|weft-.*|x-weft-.*)$/;
const name = /^[a-z][a-z0-9-]{0,63}$/;

/** Of the headers that a contract names, those that may go through. */
export const passable = (names: readonly string[]): readonly string[] =>
  names.map((it) => it.toLowerCase()).filter((it) => name.test(it) && !ours.test(it));

/** @param also Headers that the contract of the method names. */
export function inwardFields(
  request: NodeServerRequest,
  client: string,
  also: readonly string[] = [],
): string[] {
  const fields = ["x-forwarded-for", client];
  const agent = headerOf(request, "user-agent");
  if (agent && isFieldValue(agent)) fields.push("x-forwarded-user-agent", agent.slice(0, longestAgent));
  for (const names of [inwardByHttp, also]) {
    for (const name of names) {
      const value = request.headers[name];
      if (typeof value === "string" && isFieldValue(value)) fields.push(name, value);
    }
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
  "idempotent-replayed",
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
