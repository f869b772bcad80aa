/**
 * What the page may do. Scripts and requests only of its own origin; styles and
 * pictures within Swagger UI's stylesheet are data. Other servers, if the
 * document names any, can be called too.
 */
export const securityHeaders = (servers: readonly string[]): Readonly<Record<string, string>> => ({
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    ["connect-src 'self'", ...originsOf(servers)].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
});

const originsOf = (servers: readonly string[]): string[] =>
  servers.filter((it) => URL.canParse(it)).map((it) => new URL(it).origin);
