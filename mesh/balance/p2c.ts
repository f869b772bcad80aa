/** What the choice goes by; made once, not per call. */
export interface PickRules<T> {
  /** What one more call would cost there. */
  cost(endpoint: T): number;
  /** Whether its breaker (or whatever else ejects) lets a call through now. */
  admits(endpoint: T): boolean;
  /** From 0 up to, not including, 1. */
  random(): number;
}

/**
 * With a smaller share of endpoints admitted than this, ejections are ignored: so
 * many failing at once are more likely the network or the caller, and the few left
 * would be crushed under what the others no longer get. Envoy's panic threshold.
 */
const panicBelow = 0.5;

/**
 * The cheaper of two random endpoints (power of two choices): close to the best of
 * all, without looking at all and without every caller choosing the same. Those that
 * this call has `tried` are left out while there are others.
 *
 * May give back an endpoint that is not admitted when fewer than half are; an
 * admitted one is preferred then, too. Nothing comes of an empty list.
 */
export function pick<T>(endpoints: readonly T[], rules: PickRules<T>, tried?: readonly T[]): T | undefined {
  const n = endpoints.length;
  if (n < 2) return endpoints[0];
  const i = below(n, rules);
  const j = otherThan(i, n, rules);
  const a = endpoints[i] as T;
  const b = endpoints[j] as T;
  // Two draws do nearly always. Drawing again would hide how many are ejected, so the rest is a scan.
  if (isFresh(a, tried) && isFresh(b, tried) && rules.admits(a) && rules.admits(b)) {
    return cheaper(a, b, rules);
  }
  return pickByScan(endpoints, rules, tried);
}

function pickByScan<T>(endpoints: readonly T[], rules: PickRules<T>, tried: readonly T[] | undefined) {
  let admitted = 0;
  let fresh = 0;
  let freshAdmitted = 0;
  for (const endpoint of endpoints) {
    const isAdmitted = rules.admits(endpoint);
    const untried = isFresh(endpoint, tried);
    if (isAdmitted) admitted++;
    if (untried) fresh++;
    if (isAdmitted && untried) freshAdmitted++;
  }
  if (admitted >= panicBelow * endpoints.length) {
    // An admitted endpoint that failed this call once is a better bet than one that fails all calls.
    return freshAdmitted > 0
      ? pickAmong(endpoints, freshAdmitted, rules, tried, true)
      : pickAmong(endpoints, admitted, rules, undefined, true);
  }
  return fresh > 0
    ? pickAmong(endpoints, fresh, rules, tried, false)
    : pickAmong(endpoints, endpoints.length, rules, undefined, false);
}

/** Two random ones of the `count` that qualify, and the better of them. */
function pickAmong<T>(
  endpoints: readonly T[],
  count: number,
  rules: PickRules<T>,
  tried: readonly T[] | undefined,
  admittedOnly: boolean,
): T | undefined {
  const i = below(count, rules);
  const j = count > 1 ? otherThan(i, count, rules) : i;
  let a: T | undefined;
  let b: T | undefined;
  let rank = 0;
  for (const endpoint of endpoints) {
    if (!isFresh(endpoint, tried) || (admittedOnly && !rules.admits(endpoint))) continue;
    if (rank === i) a = endpoint;
    if (rank === j) b = endpoint;
    rank++;
  }
  if (a === undefined || b === undefined) return a ?? b;
  if (a === b || admittedOnly) return cheaper(a, b, rules);
  const admitsA = rules.admits(a);
  if (admitsA !== rules.admits(b)) return admitsA ? a : b;
  return cheaper(a, b, rules);
}

function cheaper<T>(a: T, b: T, rules: PickRules<T>): T {
  return rules.cost(b) < rules.cost(a) ? b : a;
}

function isFresh<T>(endpoint: T, tried: readonly T[] | undefined): boolean {
  return tried === undefined || !tried.includes(endpoint);
}

function below<T>(n: number, rules: PickRules<T>): number {
  return Math.floor(rules.random() * n);
}

function otherThan<T>(i: number, n: number, rules: PickRules<T>): number {
  const j = Math.floor(rules.random() * (n - 1));
  return j < i ? j : j + 1;
}
