import type { DescMethodUnary } from "@bufbuild/protobuf";
import { fail } from "#mesh";
import type { LiveCall } from "#mesh/call/live-call.ts";
import type { Fields } from "#mesh/call/metadata.ts";
import { fieldOf } from "#mesh/call/metadata.ts";
import type { BytesAnswer } from "#mesh/client/bytes-client.ts";
import type { Match } from "../routing/router.ts";
import type { BodyLimits } from "./body.ts";
import { readWhole } from "./body.ts";
import { etagOf, hasIt, rangeOf } from "./conditional.ts";
import type { Exchange } from "./exchange.ts";
import { jsonType } from "./exchange.ts";
import type { Keeping, Kept } from "./keeping.ts";
import { inwardFields, outwardFields } from "./passed-headers.ts";
import type { EdgeRoute } from "./route.ts";

export interface JsonCallOptions {
  readonly body: BodyLimits;
  /** Keeps answers, as contracts and clients want it. */
  readonly keeping: Keeping;
}

/** Answers a request by one single call: JSON in and out, or bytes where the contract says so. */
export function createJsonCall({ body: limits, keeping }: JsonCallOptions) {
  return async (
    exchange: Exchange,
    { value: route, captures }: Match<EdgeRoute>,
    call: LiveCall,
    query: string,
  ): Promise<void> => {
    const reading = readWhole(exchange.request, limits, exchange.openHold);
    const body = reading && (await reading);
    const contentType = exchange.header("content-type") ?? "";
    const message = route.encode({ captures, query, body, contentType });
    if (route.raw) {
      const { header, message: answer } = await ask(exchange, route, call, message);
      const { contentType: type, data } = route.raw(answer);
      sendFile(exchange, route.status, type, data, outwardFields(header));
      return;
    }
    const kept = keeping(exchange, route, call, message, () => produce(exchange, route, call, message));
    await sendJson(exchange, route, kept instanceof Promise ? await kept : kept);
  };
}

function ask(
  exchange: Exchange,
  route: EdgeRoute,
  call: LiveCall,
  message: Uint8Array,
): Promise<BytesAnswer> {
  const fields = inwardFields(exchange.request, exchange.client, route.headers);
  return route.call(call, route.method.desc as DescMethodUnary, message, fields);
}

async function produce(
  exchange: Exchange,
  route: EdgeRoute,
  call: LiveCall,
  message: Uint8Array,
): Promise<Kept> {
  const answer = await ask(exchange, route, call, message);
  return { status: route.status, data: route.write(answer.message), header: outwardFields(answer.header) };
}

function sendJson(
  exchange: Exchange,
  { bare }: EdgeRoute,
  { status, data, header }: Kept,
): void | Promise<void> {
  const { method } = exchange.request;
  if (status !== 200 || (method !== "GET" && method !== "HEAD")) {
    return exchange.succeed(status, data, [...(header ?? []), "cache-control", "no-store"]);
  }
  const said = fieldOf(header, "etag");
  const etag = said ?? etagOf(data);
  const more = said === undefined ? ["etag", etag, ...(header ?? [])] : [...(header ?? [])];
  // The answer is for one user; whoever keeps it asks again whether it still holds.
  if (fieldOf(header, "cache-control") === undefined) more.push("cache-control", "private, no-cache");
  if (hasIt(exchange.header("if-none-match"), etag)) return exchange.notModified(more);
  return bare ? exchange.sendText(status, jsonType, data, more) : exchange.succeed(status, data, more);
}

/** Bytes that are at hand as a whole: all of them or a part, unless the client has them. */
function sendFile(
  exchange: Exchange,
  status: number,
  contentType: string,
  data: Uint8Array,
  header: Fields,
): void {
  const type = contentType || "application/octet-stream";
  const more = [...(header ?? [])];
  if (exchange.request.method !== "GET" && exchange.request.method !== "HEAD") {
    exchange.sendBytes(status, type, data, more);
    return;
  }
  const etag = fieldOf(header, "etag") ?? etagOf(data);
  if (fieldOf(header, "etag") === undefined) more.push("etag", etag);
  more.push("accept-ranges", "bytes");
  if (fieldOf(header, "cache-control") === undefined) more.push("cache-control", "private, no-cache");
  if (hasIt(exchange.header("if-none-match"), etag)) {
    exchange.notModified(more);
    return;
  }
  const ifRange = exchange.header("if-range");
  // Weak tags do not tell whether bytes are the same (RFC 9110 §13.1.5).
  const mayBePart = status === 200 && (ifRange === undefined || (ifRange === etag && !etag.startsWith("W/")));
  const part = mayBePart ? rangeOf(exchange.header("range"), data.length) : undefined;
  if (part === "unsatisfiable") throw notThatLong(data.length);
  if (!part) {
    exchange.sendBytes(status, type, data, more);
    return;
  }
  more.push("content-range", `bytes ${part.first}-${part.last}/${data.length}`);
  exchange.sendBytes(206, type, data.subarray(part.first, part.last + 1), more);
}

const notThatLong = (size: number) =>
  fail.invalid("range_not_satisfiable", `there are only ${size} bytes`, {
    remedy: "ask for a range within them",
  });
