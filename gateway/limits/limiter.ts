import type { Waiter } from "./ask.ts";
import { createBook } from "./book.ts";
import { createBorrow } from "./borrow.ts";
import { borrowPolicy } from "./borrow-policy.ts";
import type { Decision } from "./decision.ts";
import { admission, limitOf, refusal, unlimited } from "./decision.ts";
import type { Entry } from "./entry.ts";
import { usedOf } from "./entry.ts";
import type { Exchange, Replicas } from "./exchange.ts";
import { alone } from "./exchange.ts";
import { createLending } from "./lend.ts";
import type { LimitPolicy, Window } from "./policy.ts";
import { shareOf } from "./share.ts";
import type { Timers } from "./timers.ts";
import { systemTimers } from "./timers.ts";

export interface LimiterOptions {
  /** A clock that never goes back. Default: `performance.now`. */
  now?: () => number;
  /** Most keys kept. Default 100,000; about 1 KB each. */
  maxIdentities?: number;
  /** The other replicas. Default: there are none. Closed with the limiter. */
  exchange?: Exchange;
  timers?: Timers;
}

export interface LimiterFigures {
  /** Keys counted now, and how many of them have been at their limit. */
  readonly identities: number;
  readonly guarded: number;
  /** Since the start: requests admitted and refused, those of them that waited for other replicas, and questions sent. */
  readonly admitted: number;
  readonly refused: number;
  readonly waited: number;
  readonly asked: number;
}

export interface Limiter {
  /** Counts a request of this identity, if all policies admit it. A promise only where another replica must be asked. */
  take(identity: string, policies: readonly LimitPolicy[], factor: number): Decision | Promise<Decision>;
  figures(): LimiterFigures;
  /** Decides all that waits, and takes leave of the other replicas. */
  close(): void;
}

/**
 * Each replica holds a share of every limit and decides within it alone. What
 * it lacks it borrows: the lender counts the use as its own at once, so all
 * replicas together never admit more than the limit, whatever becomes of the
 * messages; but for those that cannot reach each other at all, each of which
 * then holds the whole limit alone.
 */
export function createLimiter(options: LimiterOptions = {}): Limiter {
  const { maxIdentities = 100_000, exchange, timers = systemTimers } = options;
  const now = neverBack(options.now ?? (() => performance.now()));
  const book = createBook({ size: Math.max(16, maxIdentities), hide: exchange?.hide });
  const replicas = exchange ? exchange.replicas : () => alone;
  /** Entries of the request at hand, by policy. Kept, so that a request allocates no list. */
  const found: Entry[] = [];
  let admitted = 0;
  let refused = 0;
  let waited = 0;

  const lackOf = (entry: Entry, limits: readonly number[], nowMs: number): number => {
    const { count, rank } = replicas();
    let mask = 0;
    for (let w = 0; w < limits.length; w++) {
      const share = shareOf(limits[w] as number, count, rank, entry.spread);
      if (usedOf(entry, w, nowMs) >= share) mask |= 1 << w;
    }
    return withoutCredit(entry, mask, nowMs);
  };

  /** Decides at once, or gives nothing when `found` has entries that others could lend to. */
  const attempt = (
    identity: string,
    policies: readonly LimitPolicy[],
    factor: number,
    nowMs: number,
    mayWait: boolean,
  ): Decision | undefined => {
    const view = replicas();
    let lacking = false;
    let wait = mayWait;
    for (let i = 0; i < policies.length; i++) {
      const policy = policies[i] as LimitPolicy;
      const entry = book.find(policy, identity, nowMs);
      found[i] = entry;
      entry.lacks = withoutCredit(entry, fullWindows(entry, policy, factor, nowMs, view), nowMs);
      if (entry.lacks === 0) continue;
      lacking = true;
      book.guard(entry);
      if (wait && !borrow?.mayAsk(entry, entry.lacks, nowMs)) wait = false;
    }
    if (lacking) return wait ? undefined : refuse(policies, factor, nowMs, view);
    return admit(policies, factor, nowMs, view);
  };

  const admit = (policies: readonly LimitPolicy[], factor: number, nowMs: number, view: Replicas) => {
    admitted++;
    let least: Window | undefined;
    let left = Number.POSITIVE_INFINITY;
    let leastEntry: Entry | undefined;
    let leastAt = 0;
    for (let i = 0; i < policies.length; i++) {
      const { windows } = policies[i] as LimitPolicy;
      const entry = found[i] as Entry;
      const borrowed = entry.credits > 0 && nowMs <= entry.creditUntilMs ? entry.creditMask : 0;
      for (let w = 0; w < windows.length; w++) {
        const window = windows[w] as Window;
        const limit = limitOf(window, factor);
        const share = shareOf(limit, view.count, view.rank, entry.spread);
        const lengthMs = entry.lengthsMs[w] as number;
        const used = usedOf(entry, w, nowMs);
        let own = share - used;
        if ((borrowed & (1 << w)) === 0) {
          entry.rings.add(entry.at, w, lengthMs, 1, nowMs, share);
          own--;
          if (own <= 0) book.guard(entry);
        }
        const all = view.count === 1 ? own : own + elsewhere(entry, w, limit - share, nowMs, view);
        if (all < left) {
          left = all;
          least = window;
          leastEntry = entry;
          leastAt = w;
        }
      }
      // Before the own share: what is lent is gone if it is not used now.
      if (borrowed !== 0) entry.credits--;
    }
    if (!least || !leastEntry) return unlimited;
    const waitMs = leastEntry.rings.waitMs(
      leastEntry.at,
      leastAt,
      leastEntry.lengthsMs[leastAt] as number,
      nowMs,
      1,
    );
    const seconds = wholeSeconds(waitMs, least);
    return admission({ policies, factor, window: least, left, seconds });
  };

  const refuse = (policies: readonly LimitPolicy[], factor: number, nowMs: number, view: Replicas) => {
    refused++;
    let longestMs = -1;
    let of: Window | undefined;
    for (let i = 0; i < policies.length; i++) {
      const { windows } = policies[i] as LimitPolicy;
      const entry = found[i] as Entry;
      for (let w = 0; w < windows.length; w++) {
        if ((entry.lacks & (1 << w)) === 0) continue;
        const window = windows[w] as Window;
        const waitMs = roomIn(entry, w, limitOf(window, factor), nowMs, view);
        if (waitMs <= longestMs) continue;
        longestMs = waitMs;
        of = window;
      }
    }
    const window = of as Window;
    return refusal({ policies, factor, window, left: 0, seconds: wholeSeconds(longestMs, window) });
  };

  const borrow =
    exchange &&
    createBorrow({
      exchange,
      now,
      timers,
      lackOf,
      settled: (waiters, nowMs) => {
        for (const waiter of waiters) if (waiter.resolve) decide(waiter, nowMs);
      },
    });

  const decide = (waiter: Waiter, nowMs: number) => {
    const { identity, policies, factor, untilMs } = waiter;
    const decision = attempt(identity, policies, factor, nowMs, nowMs < untilMs && !closed);
    if (!decision) return waitFor(waiter);
    waiter.resolve?.(decision);
    waiter.resolve = undefined;
  };

  const waitFor = (waiter: Waiter) => {
    for (let i = 0; i < waiter.policies.length; i++) {
      const entry = found[i] as Entry;
      if (entry.lacks === 0) continue;
      const { windows } = waiter.policies[i] as LimitPolicy;
      borrow?.wait(
        entry,
        windows.map((it) => limitOf(it, waiter.factor)),
        waiter,
      );
    }
  };

  let closed = false;
  const lending = createLending({ book, replicas, now, timers });
  exchange?.handle({
    asked: lending.asked,
    settled: lending.settled,
    answered: (from, answer) => borrow?.answered(from, answer),
  });

  return {
    take(identity, policies, factor) {
      const nowMs = now();
      const decision = attempt(identity, policies, factor, nowMs, !closed);
      if (decision) return decision;
      waited++;
      return new Promise((resolve) => {
        waitFor({ identity, policies, factor, untilMs: nowMs + borrowPolicy.waitMs, resolve });
      });
    },
    figures: () => ({
      identities: book.size(),
      guarded: book.guarded(),
      admitted,
      refused,
      waited,
      asked: borrow?.asked() ?? 0,
    }),
    close() {
      closed = true;
      borrow?.close();
      lending.close();
      exchange?.close();
    },
  };
}

/** Windows of which the own share is used up, one bit each. */
function fullWindows(
  entry: Entry,
  policy: LimitPolicy,
  factor: number,
  nowMs: number,
  view: Replicas,
): number {
  const { windows } = policy;
  let mask = 0;
  for (let w = 0; w < windows.length; w++) {
    const share = shareOf(limitOf(windows[w] as Window, factor), view.count, view.rank, entry.spread);
    if (usedOf(entry, w, nowMs) >= share) mask |= 1 << w;
  }
  return mask;
}

const withoutCredit = (entry: Entry, mask: number, nowMs: number) =>
  mask !== 0 && entry.credits > 0 && nowMs <= entry.creditUntilMs ? mask & ~entry.creditMask : mask;

/** What the others have left, as far as they said lately; else all of their share. */
function elsewhere(entry: Entry, w: number, theirs: number, nowMs: number, { others }: Replicas): number {
  if (!entry.lenders) return theirs;
  let known = 0;
  for (const replica of others) {
    const lender = entry.lenders.get(replica);
    const isFresh = lender && nowMs - lender.saidMs < (entry.lengthsMs[w] as number);
    known += isFresh ? (lender.free[w] ?? 0) : Math.floor(theirs / others.length);
  }
  return Math.min(known, theirs);
}

/** Time until this window may have room again, here or at another replica. */
function roomIn(entry: Entry, w: number, limit: number, nowMs: number, view: Replicas): number {
  const lengthMs = entry.lengthsMs[w] as number;
  const share = shareOf(limit, view.count, view.rank, entry.spread);
  const used = usedOf(entry, w, nowMs);
  let soonest = share > 0 ? entry.rings.waitMs(entry.at, w, lengthMs, nowMs, used - share + 1) : lengthMs;
  for (const replica of view.others) {
    const until = entry.lenders?.get(replica)?.emptyUntilMs[w];
    if (until !== undefined) soonest = Math.min(soonest, until - nowMs);
  }
  return Math.max(0, soonest);
}

/** RFC 9110 §10.2.3: whole seconds; never 0, which would invite at once, nor more than the window. */
const wholeSeconds = (ms: number, { seconds }: Window) =>
  Math.max(1, Math.min(Math.ceil(ms / 1000), Math.ceil(seconds)));

/** A clock that was set back would keep what was used for as long as it was set back. */
function neverBack(now: () => number): () => number {
  let latest = Number.NEGATIVE_INFINITY;
  return () => {
    const time = now();
    if (time > latest) latest = time;
    return latest;
  };
}
