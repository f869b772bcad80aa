import type { DescMethod, JsonValue } from "@bufbuild/protobuf";
import { durationMs, MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { defaultTimeoutMs } from "#mesh/contract/policy.ts";
import type { Audience } from "./access.ts";
import { policyOf } from "./access.ts";
import { inWords, listed } from "./words.ts";

/** What a contract says of a method beside its types: for people, and for programs. */
export interface Stated {
  readonly sentences: readonly string[];
  readonly extensions: Readonly<Record<`x-${string}`, JsonValue>>;
}

const idempotency: Readonly<Record<Level, string>> = {
  [Level.IDEMPOTENCY_UNKNOWN]: "none",
  [Level.NO_SIDE_EFFECTS]: "no_side_effects",
  [Level.IDEMPOTENT]: "idempotent",
};

export function statedBy(method: DescMethod, audience: Audience): Stated {
  const { timeout, rateLimit, cache } = policyOf(method) ?? {};
  const deadlineMs = timeout ? durationMs(timeout) : defaultTimeoutMs;
  const said: string[] = [];
  const extensions: Record<`x-${string}`, JsonValue> = {};
  if (audience.kind === "permission") {
    said.push(`Needs the permission ${listed([audience.permission])}.`);
    extensions["x-permission"] = audience.permission;
  } else said.push(audience.kind === "public" ? "Open to all." : "For any signed-in user.");
  said.push(`Ends after ${inWords(deadlineMs)} at the latest.`);
  extensions["x-deadline-ms"] = deadlineMs;
  extensions["x-idempotency"] = idempotency[method.idempotency];
  if (method.idempotency !== Level.IDEMPOTENCY_UNKNOWN) said.push("Safe to repeat.");
  if (rateLimit) {
    const windowMs = rateLimit.window ? durationMs(rateLimit.window) : 0;
    said.push(`At most ${rateLimit.requests} calls in ${inWords(windowMs)} from one caller.`);
    extensions["x-rate-limit"] = { requests: rateLimit.requests, windowMs };
  }
  if (cache) {
    const maxAgeMs = cache.maxAge ? durationMs(cache.maxAge) : 0;
    const staleIfErrorMs = cache.staleIfError ? durationMs(cache.staleIfError) : 0;
    const events = cache.invalidatedBy.length > 0 ? `, or until ${listed(cache.invalidatedBy, "or")}` : "";
    said.push(`An answer may be ${inWords(maxAgeMs)} old${events}.`);
    if (staleIfErrorMs > 0)
      said.push(`While the service is down, it may be ${inWords(staleIfErrorMs)} older.`);
    extensions["x-cache"] = { maxAgeMs, staleIfErrorMs, invalidatedBy: [...cache.invalidatedBy] };
  }
  return { sentences: said, extensions };
}
