import type { NodeServerRequest, NodeServerResponse } from "#mesh/server/node.ts";

export interface Cors {
  /** The origin to name in the answer, or nothing for a page that may not use it. */
  allowed(origin: string | undefined): string | undefined;
}

const developmentOrigins = ["http://localhost:3000", "http://localhost:5173"];

/** Which web pages may use the API. Credentials are bearer tokens, so cookies are never invited. */
export function createCors(configured: readonly string[], development: boolean): Cors {
  const origins = new Set(configured.length === 0 && development ? developmentOrigins : configured);
  const any = origins.has("*");
  return {
    allowed: (origin) => {
      if (origin === undefined) return undefined;
      if (any) return "*";
      return origins.has(origin) ? origin : undefined;
    },
  };
}

/** What scripts of another origin may read, beside what browsers let them read anyway. */
export const exposedHeaders = [
  "x-request-id",
  "x-correlation-id",
  "x-gateway-service",
  "traceparent",
  "age",
  "x-cache",
  "etag",
  "location",
  "content-disposition",
  "content-range",
  "retry-after",
  "ratelimit",
  "ratelimit-policy",
  "idempotent-replayed",
  "deprecation",
  "sunset",
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "content-encoding",
  "connect-content-encoding",
].join(", ");

/** Says on an answer that somebody else writes which page may read it. */
export function nameOrigin(response: NodeServerResponse, origin: string | undefined): void {
  response.setHeader("vary", "origin");
  if (!origin) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-expose-headers", exposedHeaders);
}

/** Protocol headers of Connect and gRPC-Web, and those of our own; simple ones need no leave. */
const requestHeaders = [
  "authorization",
  "content-type",
  "content-encoding",
  "accept-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connect-content-encoding",
  "connect-accept-encoding",
  "x-user-agent",
  "x-grpc-web",
  "grpc-message-type",
  "grpc-timeout",
  "api-version",
  "idempotency-key",
  "cache-control",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "range",
  "if-range",
  "last-event-id",
  "x-request-id",
  "x-correlation-id",
  "traceparent",
  "tracestate",
].join(", ");

const methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/** Browsers cut it to their own bounds: 2 h in Chromium. */
const maxAgeSeconds = "7200";

/** Is it a browser's question whether a page may send something? */
export const isPreflight = ({ method, headers }: NodeServerRequest): boolean =>
  method === "OPTIONS" &&
  headers.origin !== undefined &&
  headers["access-control-request-method"] !== undefined;

/** Answers it (Fetch standard, CORS preflight). A page that may not is told nothing, which is a no. */
export function answerPreflight(cors: Cors, request: NodeServerRequest, response: NodeServerResponse): void {
  const origin = cors.allowed(request.headers.origin);
  response.writeHead(204, {
    vary: "origin, access-control-request-method, access-control-request-headers",
    ...(origin && {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": methods,
      "access-control-allow-headers": requestHeaders,
      "access-control-max-age": maxAgeSeconds,
    }),
  });
  response.end();
}
