import type { DescMethod } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { fail, methodName, optionsOf } from "#mesh";
import { onlyReads } from "#mesh/contract/safety.ts";

/** How long answers of one method may be kept, and what ends that early. */
export interface CachePolicy {
  readonly maxAgeMs: number;
  /** How much longer they may still be given while the service cannot answer. */
  readonly staleIfErrorMs: number;
  /** Subjects of events. */
  readonly invalidatedBy: readonly string[];
}

/** As the contract has it; nothing for a method that says nothing of it. */
export function cachePolicyOf(method: DescMethod): CachePolicy | undefined {
  const cache = optionsOf(method)?.cache;
  if (!cache) return undefined;
  const maxAgeMs = cache.maxAge ? durationMs(cache.maxAge) : 0;
  if (maxAgeMs <= 0) throw refusal(method, "does not say for how long: set max_age");
  if (!onlyReads(method) || method.methodKind !== "unary") {
    throw refusal(method, "and is no single call with idempotency_level = NO_SIDE_EFFECTS");
  }
  return {
    maxAgeMs,
    staleIfErrorMs: cache.staleIfError ? durationMs(cache.staleIfError) : 0,
    invalidatedBy: cache.invalidatedBy,
  };
}

const refusal = (method: DescMethod, problem: string) =>
  fail.precondition("bad_cache", `${methodName(method)} lets answers be kept ${problem}`);
