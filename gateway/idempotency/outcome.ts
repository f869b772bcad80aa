import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeOf } from "#mesh/errors.ts";
import type { Kept } from "../edge/keeping.ts";

/** How a request ended, as its client was told. */
export type Outcome =
  | { readonly kept: Kept; readonly error?: undefined }
  | { readonly error: ConnectError; readonly kept?: undefined };

/**
 * Whether a failure is the service's last word on a request, to be given again
 * as the draft has it: it looked at the request and at the state of things, and
 * decided (a payment that is declined, a name that is taken). After all others
 * the key is free. Refusals (malformed, not signed in, not allowed, not found,
 * too many) changed nothing, and the client corrects the request or waits. Of
 * what broke (lost connection, deadline, internal error) only the service knows
 * what became of it: it gets the same key, so to ask it again is right, and to
 * repeat "unknown" for a day would help nobody.
 */
export const isLastWord = ({ code }: ConnectError): boolean =>
  code === Code.FailedPrecondition || code === Code.AlreadyExists;

/** A line of JSON, then the data. */
export function encodeOutcome({ kept, error }: Outcome): string {
  if (kept) {
    const { status, header, data } = kept;
    return `${JSON.stringify({ status, header })}\n${data}`;
  }
  const details = error.details.map((it) =>
    "desc" in it
      ? { type: it.desc.typeName, value: base64(toBinary(it.desc, create(it.desc, it.value))) }
      : { type: it.type, value: base64(it.value) },
  );
  return `${JSON.stringify({ code: error.code, message: error.rawMessage, details })}\n`;
}

interface EncodedError {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { type: string; value: string }[];
}

/** What `encodeOutcome` wrote, and nobody else: it was sealed. */
export function decodeOutcome(text: string): Outcome {
  const end = text.indexOf("\n");
  const head = JSON.parse(text.slice(0, end)) as Omit<Kept, "data"> | EncodedError;
  if ("status" in head) {
    const header = [...(head.header ?? []), "idempotent-replayed", "true"];
    return { kept: { status: head.status, header, data: text.slice(end + 1) } };
  }
  const error = new ConnectError(head.message, codeOf(head.code), { "idempotent-replayed": "true" });
  error.details = head.details.map(({ type, value }) => ({ type, value: Buffer.from(value, "base64") }));
  return { error };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
