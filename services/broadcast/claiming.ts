import type { Database, Query } from "#mesh";
import { afterCommit, newId } from "#mesh";
import type { BroadcastMetrics } from "./broadcast-metrics.ts";
import type { BroadcastRow, Content } from "./broadcasts-store.ts";
import { particularsOf } from "./broadcasts-store.ts";
import { lockSending } from "./due-store.ts";
import { takePlaces } from "./reached-store.ts";
import type { Claimed } from "./recipients-store.ts";
import { claimRecipients, writeAnswers } from "./recipients-store.ts";
import type { Recorder } from "./record.ts";
import { counted } from "./record.ts";
import { chunkOf, nextAfter } from "./throttle.ts";

export interface ClaimingOptions {
  db: Database;
  record: Recorder;
  metrics: BroadcastMetrics;
  /** Messages of one owner that a customer gets in a day. */
  mostPerCustomer: number;
  leaseMs: number;
  now: () => number;
}

export interface Chunk {
  readonly row: BroadcastRow;
  readonly claim: string;
  readonly claimed: readonly Claimed[];
  readonly content: Content;
}

const dayMs = 24 * 60 * 60_000;

/**
 * Takes the few that may go out next. When the next may go is written with the
 * claim, and so are the places of customers: two instances cannot both take a
 * turn, or both send the last message that somebody may get.
 */
export function createClaiming(options: ClaimingOptions) {
  const { db, record, metrics, mostPerCustomer, leaseMs, now } = options;

  /** Those who have not had enough of this owner. */
  const welcome = async (tx: Query, row: BroadcastRow, claimed: readonly Claimed[], nowMs: number) => {
    if (row.everybody) return claimed;
    const { id: broadcastId, ownerId } = row;
    const userIds = claimed.map(({ userId }) => userId);
    // A message goes out while its lease runs: a day counts from the end of that.
    const until = new Date(nowMs + leaseMs + dayMs);
    const allowance = { most: mostPerCustomer, now: new Date(nowMs), until };
    const placed = await takePlaces(tx, { broadcastId, ownerId, userIds }, allowance);
    return claimed.filter(({ userId }) => placed.has(userId));
  };

  const skip = async (tx: Query, row: BroadcastRow, tooOften: readonly Claimed[], at: Date) => {
    const outcome = { status: "skipped", reason: "too_often", notificationId: null, arrived: false } as const;
    await writeAnswers(
      tx,
      row.id,
      tooOften.map((it) => ({ ...it, ...outcome })),
      at,
    );
    const skipped = tooOften.length;
    counted(await record(tx, row, { kind: "answered", back: 0, sent: 0, failed: 0, skipped }));
    afterCommit(tx, () => metrics.recipients("skipped", skipped));
  };

  return (): Promise<Chunk | undefined> =>
    db.transaction(async (tx) => {
      const nowMs = now();
      const at = new Date(nowMs);
      const row = await lockSending(tx, at);
      if (!row) return undefined;
      const lease = { claim: newId(nowMs), leasedUntil: new Date(nowMs + leaseMs) };
      const all = await claimRecipients(tx, row.id, lease, { limit: chunkOf(row.perSecond), now: at });
      const claimed = await welcome(tx, row, all, nowMs);
      // Whom it does not go to takes no time from others; who could not be had is looked for again later.
      const paced = all.length === 0 ? 1 : claimed.length;
      const nextAt = new Date(nextAfter(nowMs, paced, row.perSecond));
      const after = counted(await record(tx, row, { kind: "claimed", recipients: all.length }, { nextAt }));
      const tooOften = all.filter((it) => !claimed.includes(it));
      if (tooOften.length > 0) await skip(tx, after, tooOften, at);
      return { row, claim: lease.claim, claimed, content: await particularsOf(tx, row.id) };
    });
}
