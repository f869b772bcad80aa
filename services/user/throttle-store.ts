import type { Database, Query } from "#mesh";
import { only } from "#mesh";
import type { Failures } from "./throttle.ts";
import type { Scope } from "./throttle-policies.ts";
import { countRules } from "./throttle-policies.ts";

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
 * Counts a try by each counter before it is looked at, unless one of them says
 * to wait; answers the longest wait. Counted afterwards, any number of tries
 * sent at once would all be let in by the same count. Whoever gives several
 * counters gives the one of the network first: rows locked in one order cannot
 * block each other.
 */
export async function reserveTry(db: Database, counters: readonly Counter[], nowMs: number): Promise<number> {
  return db.transaction(async (tx) => {
    const found: { counter: Counter; failures: Failures }[] = [];
    for (const counter of counters) found.push({ counter, failures: await lockFailures(tx, counter, nowMs) });
    const wait = Math.max(...found.map((it) => countRules[it.counter.scope].wait(it.failures, nowMs)));
    // Not counted while waiting, or whoever keeps knocking would never come in.
    if (wait > 0) return wait;
    for (const { counter, failures } of found)
      await saveFailures(tx, counter, countRules[counter.scope].next(failures, nowMs));
    return 0;
  });
}

/** Takes back a try that was never looked at, or that did not fail. */
export async function returnTry(query: Query, counter: Counter): Promise<void> {
  await query`update sign_in_failures set failures = greatest(failures - 1, 0) where ${isCounter(query, counter)}`;
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
