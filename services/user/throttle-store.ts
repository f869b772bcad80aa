import type { Database, Query } from "#mesh";
import { only } from "#mesh";
import type { Failures } from "./throttle.ts";
import { waitLeft, withFailure } from "./throttle.ts";
import type { Scope } from "./throttle-policies.ts";
import { throttlePolicies } from "./throttle-policies.ts";

/** What failures are counted by; the parts that do not matter to its scope are empty. */
export interface Counter {
  readonly scope: Scope;
  readonly account: string;
  readonly network: string;
}

interface FailuresRow {
  readonly failures: number;
  readonly since: Date;
  readonly lastAt: Date;
}

/**
 * Counts a try as failed before it is looked at, unless one must wait; answers
 * the wait. Counted afterwards, any number of tries sent at once would all be
 * let in by the same count.
 */
export async function reserveTry(db: Database, counter: Counter, nowMs: number): Promise<number> {
  return db.transaction(async (tx) => {
    const failures = await lockFailures(tx, counter, nowMs);
    const policy = throttlePolicies[counter.scope];
    const wait = waitLeft(policy, failures, nowMs);
    // Not counted while waiting, or whoever keeps knocking would never come in.
    if (wait === 0) await saveFailures(tx, counter, withFailure(policy, failures, nowMs));
    return wait;
  });
}

/** Takes back a try that was never looked at, or that did not fail. */
export async function returnTry(query: Query, counter: Counter): Promise<void> {
  await query`update sign_in_failures set failures = greatest(failures - 1, 0) where ${isCounter(query, counter)}`;
}

export async function countFailure(db: Database, counter: Counter, nowMs: number): Promise<void> {
  await db.transaction(async (tx) => {
    const failures = await lockFailures(tx, counter, nowMs);
    await saveFailures(tx, counter, withFailure(throttlePolicies[counter.scope], failures, nowMs));
  });
}

export async function currentWait(query: Query, counter: Counter, nowMs: number): Promise<number> {
  const [row] = await query<FailuresRow[]>`
    select failures, since, last_at from sign_in_failures where ${isCounter(query, counter)}`;
  return row ? waitLeft(throttlePolicies[counter.scope], failuresOf(row), nowMs) : 0;
}

/** Somebody knew the password: the failures before were his. */
export async function forgetFailures(query: Query, account: string, network: string): Promise<void> {
  await query`delete from sign_in_failures where account = ${account} and network in ('', ${network})`;
}

/** All that was counted for an account that is deleted. */
export async function forgetAccountFailures(query: Query, account: string): Promise<void> {
  await query`delete from sign_in_failures where account = ${account}`;
}

export async function dropOldFailures(query: Query, beforeMs: number): Promise<void> {
  await query`delete from sign_in_failures where last_at < ${new Date(beforeMs)}`;
}

async function lockFailures(query: Query, counter: Counter, nowMs: number): Promise<Failures> {
  const { scope, account, network } = counter;
  const now = new Date(nowMs);
  // A conflicting update rather than nothing: it locks the row, and a clean-up
  // cannot take it away between this statement and the next.
  const rows = await query<FailuresRow[]>`
    insert into sign_in_failures (scope, account, network, failures, since, last_at)
    values (${scope}, ${account}, ${network}, 0, ${now}, ${now})
    on conflict (scope, account, network) do update set failures = sign_in_failures.failures
    returning failures, since, last_at`;
  return failuresOf(only(rows));
}

async function saveFailures(query: Query, counter: Counter, failures: Failures): Promise<void> {
  await query`
    update sign_in_failures
    set failures = ${failures.count}, since = ${new Date(failures.sinceMs)}, last_at = ${new Date(failures.lastMs)}
    where ${isCounter(query, counter)}`;
}

const isCounter = (query: Query, { scope, account, network }: Counter) =>
  query`scope = ${scope} and account = ${account} and network = ${network}`;

const failuresOf = ({ failures, since, lastAt }: FailuresRow): Failures => ({
  count: failures,
  sinceMs: since.getTime(),
  lastMs: lastAt.getTime(),
});
