import type { Database } from "#mesh";
import { retrying } from "#mesh";
import type { Claimant, Claimed, Room } from "./claim-store.ts";
import { claimJobs, lockBoundedQueues, mostClaimed, outlookOf } from "./claim-store.ts";

export interface Claims {
  readonly jobs: readonly Claimed[];
  readonly nextDueAt: Date | undefined;
  /** More is due than was given. */
  readonly more: boolean;
}

export type Claim = (claimant: Claimant, rooms: readonly Room[]) => Promise<Claims>;

export interface ClaimingOptions {
  db: Database;
  leaseMs: number;
  now: () => number;
}

/**
 * Gives jobs to workers: by one statement, beside one that looks ahead. Only
 * queues that bound how many of their jobs run cost a transaction, since those
 * who claim from them must count one after the other.
 */
export function createClaim({ db, leaseMs, now }: ClaimingOptions): Claim {
  return async (claimant, wanted) => {
    const { rooms, cut } = fittingRooms(wanted);
    const types = rooms.map(({ type }) => type);
    const nowMs = now();
    const common = { claimant, now: new Date(nowMs), leaseUntil: new Date(nowMs + leaseMs) };
    const [free, outlook] = await Promise.all([
      retrying(() => claimJobs(db.sql, { ...common, rooms, bounded: false })),
      outlookOf(db.sql, types),
    ]);
    const left = outlook.bounded ? roomsLeft(rooms, free) : [];
    const bounded =
      left.length === 0
        ? []
        : await db.transaction(async (tx) => {
            await lockBoundedQueues(tx, types);
            return claimJobs(tx, { ...common, rooms: left, bounded: true });
          });
    const jobs = [...free, ...bounded].sort(inOrder);
    const more = jobs.some((it) => it.left) || (cut && jobs.length > 0);
    return { jobs, nextDueAt: outlook.nextDueAt ?? undefined, more };
  };
}

/** One room for each type, and together not so many that most of what is looked at would be left. */
export function fittingRooms(wanted: readonly Room[]): { rooms: Room[]; cut: boolean } {
  const places = new Map<string, number>();
  for (const { type, places: more } of wanted) places.set(type, (places.get(type) ?? 0) + more);
  const all = [...places.values()].reduce((sum, it) => sum + it, 0);
  const most = all > mostClaimed ? Math.ceil(mostClaimed / places.size) : mostClaimed;
  const rooms = Array.from(places, ([type, it]) => ({ type, places: Math.min(it, most) }));
  return { rooms, cut: rooms.some((it) => it.places < (places.get(it.type) ?? 0)) };
}

function roomsLeft(rooms: readonly Room[], taken: readonly Claimed[]): Room[] {
  const count = new Map<string, number>();
  for (const { type } of taken) count.set(type, (count.get(type) ?? 0) + 1);
  return rooms
    .map(({ type, places }) => ({ type, places: places - (count.get(type) ?? 0) }))
    .filter(({ places }) => places > 0);
}

const inOrder = (a: Claimed, b: Claimed): number =>
  b.priority - a.priority || a.runAt.getTime() - b.runAt.getTime() || (a.id < b.id ? -1 : 1);
