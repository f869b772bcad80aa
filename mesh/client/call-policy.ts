import type { DescMethod } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { methodName, optionsOf } from "../contract/options.ts";
import { defaultTimeoutMs } from "../contract/policy.ts";
import { isRepeatable, onlyReads } from "../contract/safety.ts";

/** How calls of one method are made, read once from its contract. */
export interface CallPolicy {
  readonly name: string;
  readonly path: string;
  readonly timeoutMs: number;
  /** Made twice it does no more than made once, so it may be tried again when its fate is unknown. */
  readonly repeatable: boolean;
  /** Tries of one call in all. */
  readonly maxAttempts: number;
  /** Calls that end well have no line in the log. */
  readonly quiet: boolean;
  /** A second try may run beside the first; after this delay, or one that is measured. */
  readonly hedge: { readonly delayMs: number | undefined } | undefined;
}

/** The first try and three more. */
const usualAttempts = 4;

const known = new WeakMap<DescMethod, CallPolicy>();

export function callPolicyOf(method: DescMethod): CallPolicy {
  let policy = known.get(method);
  if (!policy) {
    policy = compile(method);
    known.set(method, policy);
  }
  return policy;
}

function compile(method: DescMethod): CallPolicy {
  const { timeout, maxAttempts, hedge, quiet = false } = optionsOf(method) ?? {};
  const name = methodName(method);
  return {
    name,
    path: `/${name}`,
    timeoutMs: timeout ? durationMs(timeout) : defaultTimeoutMs,
    repeatable: isRepeatable(method),
    maxAttempts: maxAttempts || usualAttempts,
    quiet,
    hedge: hedge && onlyReads(method) ? { delayMs: hedge.delay && durationMs(hedge.delay) } : undefined,
  };
}
