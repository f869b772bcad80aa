import type { Keeping } from "../edge/keeping.ts";
import { keepNothing } from "../edge/keeping.ts";
import type { Idempotency } from "../idempotency/idempotency.ts";
import type { Caching } from "./caching.ts";

export interface KeepingOptions {
  /** Answers that contracts allow to be kept. Default: none. */
  readonly caching?: Caching | undefined;
  /** Answers that clients ask to be kept, by an Idempotency-Key. Default: none. */
  readonly idempotency?: Idempotency | undefined;
}

/**
 * All that keeps answers. For a route without a cache whose method may be
 * repeated, or without a key, it is two checks and nothing more.
 */
export function createKeeping({ caching, idempotency }: KeepingOptions): Keeping {
  const keyed = idempotency ? idempotency.keeping : keepNothing;
  return caching ? caching.keeping(keyed) : keyed;
}
