import { borrowPolicy } from "./borrow-policy.ts";
import type { Entry } from "./entry.ts";
import type { LimitPolicy } from "./policy.ts";
import type { Rings } from "./rings.ts";
import { createRings } from "./rings.ts";

export interface BookOptions {
  /** Most keys kept. */
  readonly size: number;
  /** Makes the name that replicas use for a key. Without replicas there is none. */
  readonly hide: ((key: string) => string) | undefined;
}

/** All keys that are counted now, the ones that were not asked about for longest forgotten first. */
export interface Book {
  /** The entry of an identity, made when missing. */
  find(policy: LimitPolicy, identity: string, nowMs: number): Entry;
  /** The entry that a peer speaks of, made when missing. */
  findHidden(hidden: string, lengthsMs: readonly number[], nowMs: number): Entry;
  /** Keeps the entry longer than those that never came to their limit. */
  guard(entry: Entry): void;
  size(): number;
  guarded(): number;
}

/**
 * Two lists by last use. A stranger with many addresses fills the first with
 * keys of one request each, which push out one another; keys that have been at
 * their limit stand in the second, and only as many others that have been at
 * theirs push them out. Nothing is ever searched.
 */
export function createBook({ size, hide }: BookOptions): Book {
  const byKey = new Map<string, Entry>();
  const byHidden = new Map<string, Entry>();
  const pools = new Map<number, Rings>();
  const ordinary = createList();
  const guarded = createList();
  const mostGuarded = Math.floor(size * 0.75);
  let total = 0;
  let guardedTotal = 0;

  const poolOf = (windows: number) => {
    const pool = pools.get(windows) ?? createRings(windows);
    pools.set(windows, pool);
    return pool;
  };

  const drop = (entry: Entry) => {
    unlink(entry);
    entry.isDropped = true;
    if (entry.key !== undefined) byKey.delete(entry.key);
    if (entry.hidden !== "") byHidden.delete(entry.hidden);
    entry.rings.close(entry.at);
    total--;
    if (entry.guarded) guardedTotal--;
  };

  const makeRoom = (nowMs: number) => {
    dropIdle(guarded.newer, nowMs);
    dropIdle(ordinary.newer, nowMs);
    // One with a question under way or a loan out is in use; there are few.
    for (let tries = 0; total >= size && tries < 1000; tries++) {
      const oldest = ordinary.newer !== ordinary ? ordinary.newer : guarded.newer;
      if (oldest.ask || oldest.lent) touch(oldest, nowMs);
      else drop(oldest);
    }
  };

  const dropIdle = (oldest: Entry, nowMs: number) => {
    const isEntry = oldest !== ordinary && oldest !== guarded;
    if (isEntry && !oldest.ask && nowMs - oldest.seenMs >= oldest.longestMs + borrowPolicy.holdMs)
      drop(oldest);
  };

  const touch = (entry: Entry, nowMs: number) => {
    entry.seenMs = nowMs;
    const list = entry.guarded ? guarded : ordinary;
    if (list.older === entry) return;
    unlink(entry);
    link(list, entry);
  };

  const create = (key: string | undefined, hidden: string, lengthsMs: readonly number[], nowMs: number) => {
    makeRoom(nowMs);
    const rings = poolOf(lengthsMs.length);
    const entry = blank(key, hidden, lengthsMs, rings, rings.open(), nowMs);
    if (hidden !== "") byHidden.set(hidden, entry);
    link(ordinary, entry);
    total++;
    return entry;
  };

  const adopt = (key: string, lengthsMs: readonly number[], nowMs: number): Entry => {
    const hidden = hide ? hide(key) : "";
    const known = hidden === "" ? undefined : byHidden.get(hidden);
    const entry = known ?? create(key, hidden, lengthsMs, nowMs);
    entry.key = key;
    byKey.set(key, entry);
    return entry;
  };

  return {
    find(policy, identity, nowMs) {
      const key = policy.prefix === "" ? identity : policy.prefix + identity;
      const entry = byKey.get(key) ?? adopt(key, policy.lengthsMs, nowMs);
      touch(entry, nowMs);
      return entry;
    },
    findHidden(hidden, lengthsMs, nowMs) {
      const entry = byHidden.get(hidden) ?? create(undefined, hidden, lengthsMs, nowMs);
      touch(entry, nowMs);
      return entry;
    },
    guard(entry) {
      if (entry.guarded) return;
      unlink(entry);
      entry.guarded = true;
      guardedTotal++;
      link(guarded, entry);
      if (guardedTotal <= mostGuarded) return;
      const demoted = guarded.newer;
      unlink(demoted);
      demoted.guarded = false;
      guardedTotal--;
      link(ordinary, demoted);
    },
    size: () => total,
    guarded: () => guardedTotal,
  };
}

/** A ring of entries with one that is none: its `older` is the newest, its `newer` the oldest. */
function createList(): Entry {
  const list = blank(undefined, "", [], createRings(1), -1, 0);
  list.older = list;
  list.newer = list;
  return list;
}

function link(list: Entry, entry: Entry): void {
  const newest = list.older;
  entry.older = newest;
  entry.newer = list;
  newest.newer = entry;
  list.older = entry;
}

function unlink(entry: Entry): void {
  entry.older.newer = entry.newer;
  entry.newer.older = entry.older;
}

/** All fields from the start, so that all entries have one hidden class. */
function blank(
  key: string | undefined,
  hidden: string,
  lengthsMs: readonly number[],
  rings: Rings,
  at: number,
  seenMs: number,
): Entry {
  const entry: Omit<Entry, "older" | "newer"> & { older?: Entry; newer?: Entry } = {
    key,
    hidden,
    spread: hidden === "" ? 0 : hidden.charCodeAt(0) * 256 + hidden.charCodeAt(1),
    lengthsMs,
    longestMs: Math.max(0, ...lengthsMs),
    rings,
    at,
    seenMs,
    guarded: false,
    older: undefined as unknown as Entry,
    newer: undefined as unknown as Entry,
    lacks: 0,
    credits: 0,
    creditMask: 0,
    creditUntilMs: 0,
    creditSeq: 0,
    lent: undefined,
    isDropped: false,
    ask: undefined,
    lenders: undefined,
  };
  return entry as Entry;
}
