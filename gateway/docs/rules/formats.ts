import type { StringRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { KnownRegex } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import { isStated } from "./value.ts";

/** Texts of each format. Addresses and names are those set apart for documents (RFC 2606, 3849, 5737). */
export const formatSamples: Readonly<Record<string, readonly string[]>> = {
  email: ["name@example.com", "other@example.com"],
  hostname: ["api.example.com", "www.example.com"],
  ipv4: ["192.0.2.1", "192.0.2.2"],
  ipv6: ["2001:db8::1", "2001:db8::2"],
  uri: ["https://example.com/page", "https://example.com/other"],
  "uri-reference": ["/page", "/other", ""],
  uuid: ["0190163d-8694-739b-aea5-966c26f8ad91", "0190163d-8694-739b-aea5-966c26f8ad92"],
};

export interface Format {
  readonly keywords: Schema;
  readonly note?: string;
  readonly samples: readonly string[];
}

const known = (format: string): Format => ({ keywords: { format }, samples: formatSamples[format] ?? [] });
const choice = (...formats: string[]): Format => ({
  keywords: { anyOf: formats.map((format) => ({ format })) },
  samples: formats.flatMap((it) => formatSamples[it] ?? []),
});
const shaped = (pattern: string, note: string, ...samples: string[]): Format => ({
  keywords: { pattern },
  note,
  samples,
});
/** What has neither format nor a pattern that is worth reading: at least it is not empty. */
const told = (note: string, ...samples: string[]): Format => ({ keywords: { minLength: 1 }, note, samples });

const dotted = "[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*$";

const formats: Readonly<Record<string, Format>> = {
  email: known("email"),
  hostname: known("hostname"),
  ip: choice("ipv4", "ipv6"),
  ipv4: known("ipv4"),
  ipv6: known("ipv6"),
  uri: known("uri"),
  uriRef: known("uri-reference"),
  address: choice("hostname", "ipv4", "ipv6"),
  uuid: known("uuid"),
  tuuid: shaped("^[0-9a-fA-F]{32}$", "A UUID without dashes.", "0190163d8694739baea5966c26f8ad91"),
  ulid: shaped("^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$", "A ULID.", "01J0B3V1MM7EDTXBJPDGKFHBCH"),
  ipWithPrefixlen: told("An IP address with the length of its prefix.", "192.0.2.1/24"),
  ipv4WithPrefixlen: told("An IPv4 address with the length of its prefix.", "192.0.2.1/24"),
  ipv6WithPrefixlen: told("An IPv6 address with the length of its prefix.", "2001:db8::1/64"),
  ipPrefix: told("An IP network.", "192.0.2.0/24"),
  ipv4Prefix: told("An IPv4 network.", "192.0.2.0/24"),
  ipv6Prefix: told("An IPv6 network.", "2001:db8::/64"),
  hostAndPort: told("A host and a port.", "api.example.com:8080"),
  protobufFqn: shaped(`^${dotted}`, "A full name of protobuf.", "example.v1.Thing"),
  protobufDotFqn: shaped(
    `^\\.${dotted}`,
    "A full name of protobuf with a dot before it.",
    ".example.v1.Thing",
  ),
};

/** The well-known form that a text must have, if its rules name one. */
export function formatOf(rules: StringRules): Format | undefined {
  const { wellKnown } = rules;
  if (!wellKnown.case || !wellKnown.value) return undefined;
  if (wellKnown.case !== "wellKnownRegex") return formats[wellKnown.case];
  const strict = rules.strict || !isStated(rules, "strict");
  if (wellKnown.value === KnownRegex.HTTP_HEADER_NAME) {
    const pattern = strict ? "^:?[0-9a-zA-Z!#$%&'*+-.^_|~\\x60]+$" : "^[^\\u0000\\u000A\\u000D]+$";
    return shaped(pattern, "The name of an HTTP header.", "x-example");
  }
  const pattern = strict ? "^[^\\u0000-\\u0008\\u000A-\\u001F\\u007F]*$" : "^[^\\u0000\\u000A\\u000D]*$";
  return shaped(pattern, "The value of an HTTP header.", "example", "");
}
