import { eachField } from "#mesh/call/metadata.ts";
import type { NodeServerResponse } from "#mesh/server/node.ts";

/**
 * What every answer carries, in pairs. An answer is data: nothing in it may run,
 * be framed, or be guessed to be of another type (OWASP REST Security).
 */
export const securityHeaders: readonly string[] = [
  "x-content-type-options",
  "nosniff",
  "referrer-policy",
  "no-referrer",
  "x-frame-options",
  "DENY",
  "content-security-policy",
  "default-src 'none'; frame-ancestors 'none'",
];

/** Where the client came by TLS, it is told to do so for ever (RFC 6797). */
export const strictTransport: readonly string[] = [
  "strict-transport-security",
  "max-age=31536000; includeSubDomains",
];

/** Sets them on an answer that somebody else writes. */
export function secureAnswer(response: NodeServerResponse, secure: boolean): void {
  const set = (name: string, value: string) => void response.setHeader(name, value);
  eachField(securityHeaders, set);
  if (secure) eachField(strictTransport, set);
}
