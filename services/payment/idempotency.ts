import { hash } from "node:crypto";
import type { Call } from "#mesh";
import { idempotencyKey, requireSame } from "#mesh";

/** What a user's key stands for: this very request. */
export interface Keyed {
  readonly idempotencyKey: string | null;
  readonly requestHash: Uint8Array | null;
}

/** The request's key, if it came with one, and what tells this request from others. */
export function keyedBy(call: Call, ...request: readonly string[]): Keyed {
  const key = idempotencyKey(call);
  if (key === undefined) return { idempotencyKey: null, requestHash: null };
  return { idempotencyKey: key, requestHash: hash("sha256", JSON.stringify(request), "buffer") };
}

/** Gives what the key made before, if it was for the same request. */
export function sameRequest<T extends { readonly requestHash: Uint8Array | null }>(
  made: T | undefined,
  { requestHash }: Keyed,
): T | undefined {
  if (made) requireSame(made.requestHash, requestHash);
  return made;
}
