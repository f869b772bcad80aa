import { hash } from "node:crypto";
import type { Call } from "#mesh";
import { badKey, keyReused } from "./refusals.ts";

/** What a user's key stands for: this very request. */
export interface Keyed {
  readonly idempotencyKey: string | null;
  readonly requestHash: Uint8Array | null;
}

const form = /^[!-~]{1,255}$/;

/** The request's key, if it came with one, and what tells this request from others. */
export function keyedBy(call: Call, ...request: readonly string[]): Keyed {
  const key = call.requestHeader.get("idempotency-key");
  if (key === null) return { idempotencyKey: null, requestHash: null };
  if (!form.test(key)) throw badKey();
  return { idempotencyKey: key, requestHash: hash("sha256", JSON.stringify(request), "buffer") };
}

/** Gives what the key made before, if it was for the same request. */
export function sameRequest<T extends { readonly requestHash: Uint8Array | null }>(
  made: T | undefined,
  { requestHash }: Keyed,
): T | undefined {
  if (made === undefined) return undefined;
  if (!requestHash || !made.requestHash || !Buffer.from(made.requestHash).equals(requestHash))
    throw keyReused();
  return made;
}
