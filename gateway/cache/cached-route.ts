import type { Logger } from "#mesh";
import type { EdgeRoute } from "../edge/route.ts";
import type { CachePolicy } from "./cache-policy.ts";
import type { Hearing } from "./hearing.ts";
import type { Invalidation } from "./invalidation.ts";

/** A route whose answers are kept, with what is known of it from the start. */
export interface CachedRoute {
  /** Goes into keys. Other bindings, and later contracts, of a method may write its answers otherwise. */
  readonly id: string;
  readonly policy: CachePolicy;
  readonly hearing: Hearing;
  readonly isPublic: boolean;
  /** What clients may keep it for: they hear no events, so for no time where events end it. */
  readonly othersMaxAgeMs: number;
}

/** Finds the cached route of a route; nothing for one whose answers are not kept after all. */
export function createCachedRoutes({ invalidation, log }: { invalidation: Invalidation; log: Logger }) {
  const found = new WeakMap<EdgeRoute, { readonly cached: CachedRoute | undefined }>();
  let last = 0;

  const make = (route: EdgeRoute, policy: CachePolicy): CachedRoute | undefined => {
    const { name, policy: access } = route.method;
    // Who asks is known to the service alone.
    if (route.forServices) return undefined;
    const hearing = invalidation.hear(policy.invalidatedBy);
    if (!hearing) {
      log.warn(
        { method: name, subjects: policy.invalidatedBy.slice(0, 10) },
        "answers are not kept: not all the events that end them can be heard; see `invalidated_by` of the contract",
      );
      return undefined;
    }
    const othersMaxAgeMs = policy.invalidatedBy.length > 0 ? 0 : policy.maxAgeMs;
    return {
      id: `${++last}`,
      policy,
      hearing,
      isPublic: access.isPublic,
      othersMaxAgeMs,
    };
  };

  return (route: EdgeRoute, policy: CachePolicy): CachedRoute | undefined => {
    let entry = found.get(route);
    if (!entry) {
      entry = { cached: make(route, policy) };
      found.set(route, entry);
    }
    return entry.cached;
  };
}
