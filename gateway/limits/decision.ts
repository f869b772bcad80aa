import type { LimitPolicy, Window } from "./policy.ts";

/** Whether a request may pass, and what its answer tells of it. */
export interface Decision {
  readonly allowed: boolean;
  /** For `Retry-After`: at least 1 when refused, 0 when allowed. */
  readonly retryAfterSeconds: number;
  /** `RateLimit-Policy`: all windows. */
  readonly policyHeader: string;
  /** `RateLimit`: the window with the least left. */
  readonly limitHeader: string;
}

/** Headers are put together when they are asked for (draft-ietf-httpapi-ratelimit-headers-10 §4, §5). */
class MadeDecision implements Decision {
  readonly allowed: boolean;
  readonly retryAfterSeconds: number;
  readonly #policies: readonly LimitPolicy[];
  readonly #factor: number;
  readonly #window: Window;
  readonly #left: number;
  readonly #seconds: number;

  constructor(
    allowed: boolean,
    retryAfterSeconds: number,
    policies: readonly LimitPolicy[],
    factor: number,
    window: Window,
    left: number,
    seconds: number,
  ) {
    this.allowed = allowed;
    this.retryAfterSeconds = retryAfterSeconds;
    this.#policies = policies;
    this.#factor = factor;
    this.#window = window;
    this.#left = left;
    this.#seconds = seconds;
  }

  get policyHeader(): string {
    return policyHeaderOf(this.#policies, this.#factor);
  }

  get limitHeader(): string {
    return `"${this.#window.name}";r=${this.#left};t=${this.#seconds}`;
  }
}

export interface DecisionParts {
  readonly policies: readonly LimitPolicy[];
  readonly factor: number;
  /** The window with the least left, what is left of it, and for how many seconds that is all. */
  readonly window: Window;
  readonly left: number;
  readonly seconds: number;
}

export function admission({ policies, factor, window, left, seconds }: DecisionParts): Decision {
  return new MadeDecision(true, 0, policies, factor, window, left, seconds);
}

export function refusal({ policies, factor, window, seconds }: DecisionParts): Decision {
  return new MadeDecision(false, seconds, policies, factor, window, 0, seconds);
}

/** A request that no policy counts. */
export const unlimited: Decision = { allowed: true, retryAfterSeconds: 0, policyHeader: "", limitHeader: "" };

/** Of one list of policies there are few factors, and the list is made once per method. */
const made = new WeakMap<readonly LimitPolicy[], Map<number, string>>();

function policyHeaderOf(policies: readonly LimitPolicy[], factor: number): string {
  const ofFactor = made.get(policies) ?? new Map<number, string>();
  const known = ofFactor.get(factor);
  if (known !== undefined) return known;
  const header = policies
    .flatMap((policy) => policy.windows)
    .map((it) => `"${it.name}";q=${limitOf(it, factor)};w=${it.seconds}`)
    .join(", ");
  // As many as there are roles; a caller with its own ideas must not grow it.
  if (ofFactor.size < 16) ofFactor.set(factor, header);
  made.set(policies, ofFactor);
  return header;
}

/** So much fits a window's counter. */
export const mostLimit = 2_000_000;

/** What a window admits for someone who may do a multiple of it. */
export function limitOf({ requests }: Window, factor: number): number {
  return factor === 1 ? requests : Math.min(mostLimit, Math.max(1, Math.floor(requests * factor)));
}
