import type { Hold } from "#mesh/bounds/held.ts";
import type { LiveCall } from "#mesh/call/live-call.ts";
import type { Fields } from "#mesh/call/metadata.ts";
import { toWireError } from "#mesh/errors.ts";
import type { CallIds } from "#mesh/rpc/record.ts";
import type { NodeServerRequest, NodeServerResponse } from "#mesh/server/node.ts";
import { createIsoTime } from "#mesh/telemetry/iso-time.ts";
import type { Decision } from "../limits/decision.ts";
import { chooseCoding } from "./accept.ts";
import { codings, compress, isCompressible, worthCompressing } from "./compress.ts";
import { exposedHeaders, nameOrigin } from "./cors.ts";
import { failureText, successText } from "./envelope.ts";
import type { Failure } from "./failure.ts";
import { failureOf } from "./failure.ts";
import { headerOf } from "./rest-arrival.ts";
import { secureAnswer, securityHeaders, strictTransport } from "./security-headers.ts";
import { begin, send } from "./send.ts";

export interface ExchangeOptions {
  readonly request: NodeServerRequest;
  readonly response: NodeServerResponse;
  readonly ids: CallIds;
  /** The address that the request comes from, proxies aside. */
  readonly client: string;
  /** The web page that may read the answer, if one asks. */
  readonly origin: string | undefined;
  /** It came by TLS, as far as a trusted proxy says. */
  readonly secure: boolean;
  readonly openHold: () => Hold;
}

const isoTime = createIsoTime();
export const jsonType = "application/json; charset=utf-8";

/** One request by HTTP that is no RPC, and the answer to it. */
export class Exchange {
  readonly request: NodeServerRequest;
  readonly response: NodeServerResponse;
  readonly ids: CallIds;
  readonly client: string;
  readonly openHold: () => Hold;
  private readonly origin: string | undefined;
  private readonly secure: boolean;
  /** Who answers, once that is known. */
  service = "gateway";
  call: LiveCall | undefined = undefined;
  decision: Decision | undefined = undefined;

  constructor(options: ExchangeOptions) {
    this.request = options.request;
    this.response = options.response;
    this.ids = options.ids;
    this.client = options.client;
    this.origin = options.origin;
    this.secure = options.secure;
    this.openHold = options.openHold;
  }

  header(name: string): string | undefined {
    return headerOf(this.request, name);
  }

  /** `data` is JSON, to be put into the envelope. */
  succeed(status: number, data: string, more: Fields): void | Promise<void> {
    const text = successText(data, status, this.ids.requestId, isoTime(Date.now()));
    return this.sendText(status, jsonType, text, more);
  }

  fail(thrown: unknown): void | Promise<void> {
    const error = toWireError(thrown);
    const failure = failureOf(error, this.service);
    // Behind a part of the answer, no other can begin.
    if (this.response.headersSent) {
      this.response.destroy();
      return undefined;
    }
    const more: string[] = [];
    if (failure.retryAfterSeconds !== undefined) more.push("retry-after", String(failure.retryAfterSeconds));
    if (failure.status === 401) more.push("www-authenticate", 'Bearer realm="weft"');
    return this.refuse(failure, more);
  }

  refuse(failure: Failure, more: readonly string[]): void | Promise<void> {
    const text = failureText(failure, this.ids.requestId, isoTime(Date.now()));
    return this.sendText(failure.status, jsonType, text, [...more, "cache-control", "no-store"]);
  }

  /** What every answer says, on one that somebody else writes. */
  greet(): void {
    const { response, ids, origin, secure } = this;
    response.setHeader("x-request-id", ids.requestId);
    response.setHeader("x-correlation-id", ids.correlationId);
    secureAnswer(response, secure);
    nameOrigin(response, origin);
  }

  redirect(location: string): void {
    send(this.request, this.response, 302, this.head(undefined, 0, ["location", location]), "");
  }

  noContent(more: Fields): void {
    send(this.request, this.response, 204, this.head(undefined, undefined, more), "");
  }

  /** Sends an answer as it is, smaller where the client takes that and it is worth it. */
  sendText(status: number, contentType: string, body: string, more: Fields): void | Promise<void> {
    const size = Buffer.byteLength(body);
    const coding =
      size >= worthCompressing && isCompressible(contentType)
        ? chooseCoding(this.header("accept-encoding"), codings)
        : undefined;
    if (coding) {
      return compress(body, coding).then((packed) => {
        const head = this.head(contentType, packed.length, more);
        head.push("content-encoding", coding);
        send(this.request, this.response, status, head, packed);
      });
    }
    const isPlain = size === body.length;
    send(this.request, this.response, status, this.head(contentType, size, more), body, isPlain);
    return undefined;
  }

  sendBytes(status: number, contentType: string, body: Uint8Array, more: Fields): void {
    send(this.request, this.response, status, this.head(contentType, body.length, more), body);
  }

  /** Sends a page with headers of its own, which say what may run in it. */
  sendPage(status: number, headers: readonly string[], body: Uint8Array): void {
    const { requestId, correlationId } = this.ids;
    const head = ["x-request-id", requestId, "x-correlation-id", correlationId, ...headers];
    if (this.secure) head.push(...strictTransport);
    send(this.request, this.response, status, head, body);
  }

  /** There is nothing new: the head alone (RFC 9110 §15.4.5). */
  notModified(more: Fields): void {
    send(this.request, this.response, 304, this.head(undefined, undefined, more), "");
  }

  /** Begins an answer that comes piece by piece. */
  begin(status: number, contentType: string, more: Fields): void {
    begin(this.request, this.response, status, this.head(contentType, undefined, more));
  }

  /** What every answer says, in pairs. */
  private head(contentType: string | undefined, size: number | undefined, more: Fields): string[] {
    const { ids, call, decision, origin } = this;
    // Written out, so that the list has its length from the start.
    const head = [
      "x-request-id",
      ids.requestId,
      "x-correlation-id",
      ids.correlationId,
      "x-gateway-service",
      this.service,
      "vary",
      varying,
      ...securityHeaders,
    ];
    if (contentType !== undefined) head.push("content-type", contentType);
    if (size !== undefined) head.push("content-length", String(size));
    if (call) head.push("traceparent", call.traceparent);
    if (decision) head.push("ratelimit-policy", decision.policyHeader, "ratelimit", decision.limitHeader);
    if (origin !== undefined) {
      head.push("access-control-allow-origin", origin, "access-control-expose-headers", exposedHeaders);
    }
    if (this.secure) head.push(...strictTransport);
    if (more) for (const text of more) head.push(text);
    return head;
  }
}

/** What else of a request may make the answer another (RFC 9110 §12.5.5). */
const varying = "origin, accept-encoding, accept, authorization, api-version";
