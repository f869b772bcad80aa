import type { Logger, Nats } from "#mesh";
import { badKey, isIdempotencyKey } from "#mesh";
import type { Keeping } from "../edge/keeping.ts";
import { idempotencyPolicy } from "./idempotency-policy.ts";
import { createKeyStore } from "./key-store.ts";
import { createOnce } from "./once.ts";
import { keyedRequest, keyOf } from "./request-key.ts";
import { createShares } from "./shares.ts";

export interface IdempotencyOptions {
  readonly nats: Nats;
  readonly log: Logger;
  /** How long the answer to a key is kept. */
  readonly ttlMs: number;
  /** Most that the store takes. Default: 1 GiB. */
  readonly bucketBytes?: number | undefined;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

export interface Idempotency {
  readonly keeping: Keeping;
  close(): void;
}

/**
 * Heeds the Idempotency-Key of requests that do more when made twice than when
 * made once (draft-ietf-httpapi-idempotency-key-header). With several gateways
 * still only one executes a request; with the broker away none does.
 */
export function createIdempotency(options: IdempotencyOptions): Idempotency {
  const { nats, log, ttlMs, bucketBytes = idempotencyPolicy.bucketBytes, now = Date.now } = options;
  const shares = createShares({ mostBytes: bucketBytes * idempotencyPolicy.share, ttlMs, now });
  const store = createKeyStore({ nats, ttlMs, bucketBytes });
  const { once, close } = createOnce({ store, shares, log, now });
  return {
    keeping: (exchange, route, call, message, produce) => {
      const key = keyOf(exchange.request, route);
      if (key === undefined) return produce();
      if (!isIdempotencyKey(key)) throw badKey();
      if (route.keepsKeys) return produce();
      const request = keyedRequest(key, route, call, exchange.client, message);
      return once(request, Math.min(route.method.policy.timeoutMs, ttlMs), produce);
    },
    close,
  };
}
