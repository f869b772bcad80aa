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

export const badKey = (): Error =>
  fail.invalid("idempotency_key_invalid", "the Idempotency-Key is not 1 to 255 visible ASCII characters", {
    remedy: "send a UUID",
  });

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
