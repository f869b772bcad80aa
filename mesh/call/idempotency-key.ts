import { createHash } from "node:crypto";
import type { DescMessage, JsonValue, MessageShape } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { fail } from "../errors.ts";
import type { Call } from "./call.ts";

const form = /^[!-~]{1,255}$/;

/** Draft draft-ietf-httpapi-idempotency-key-header has a quoted string; nearly all send it without quotes. */
export const isIdempotencyKey = (text: string): boolean => form.test(text);

/** The `Idempotency-Key` of a call, or what its message says instead; undefined when there is none. */
export function idempotencyKey(
  { requestHeader }: Pick<Call, "requestHeader">,
  said = "",
): string | undefined {
  const key = requestHeader.get("idempotency-key") ?? (said || undefined);
  if (key !== undefined && !isIdempotencyKey(key)) throw badKey();
  return key;
}

/** Tells whoever asks that this is what the key made before. */
export function replayed({ responseHeader }: Pick<Call, "responseHeader">): void {
  responseHeader.set("idempotent-replayed", "true");
}

export const badKey = (): Error =>
  fail.invalid("idempotency_key_invalid", "the Idempotency-Key is not 1 to 255 visible ASCII characters", {
    remedy: "send a UUID",
  });

/** Tells one request from another without keeping it; maps have no order. */
export const requestHash = <D extends DescMessage>(schema: D, request: MessageShape<D>): Uint8Array =>
  createHash("sha256")
    .update(JSON.stringify(inOrder(toJson(schema, request))))
    .digest();

function inOrder(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(inOrder);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, it]): [string, JsonValue] => [key, inOrder(it)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Throws unless this is the request that the key stands for, by what was kept of it. */
export function requireSame(
  kept: Uint8Array | null | undefined,
  request: Uint8Array | null | undefined,
): void {
  if (!kept || !request || !Buffer.from(kept).equals(request)) throw keyReused();
}

export const keyReused = (): Error =>
  fail.invalid("idempotency_key_reused", "this Idempotency-Key was sent with another request", {
    remedy: "send a new key with a new request",
  });
