import type { ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { cleanText, reasonOf } from "#mesh";
import type { Failure } from "./orders-store.ts";

export function failureOf(error: ConnectError): Failure {
  const outgoing = error.details.find((it) => "desc" in it && it.desc.typeName === ErrorInfoSchema.typeName);
  const own =
    outgoing && "value" in outgoing ? (outgoing.value as { metadata?: Record<string, string> }) : {};
  const metadata = error.findDetails(ErrorInfoSchema)[0]?.metadata ?? own.metadata ?? {};
  return {
    code: error.code,
    reason: reasonOf(error),
    message: cleanText(error.rawMessage),
    metadata: clean(metadata),
  };
}

/** It is kept as JSON, of which PostgreSQL does not take everything. */
const clean = (metadata: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(metadata).map((pair) => pair.map(cleanText)));
