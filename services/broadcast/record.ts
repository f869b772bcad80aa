import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { BroadcastCompletedSchema, BroadcastStartedSchema } from "#gen/broadcast/v1/events_pb.js";
import type { Events, Query } from "#mesh";
import { afterCommit, fail } from "#mesh";
import type { BroadcastMetrics } from "./broadcast-metrics.ts";
import type { BroadcastRow } from "./broadcasts-store.ts";
import { saveBroadcast } from "./broadcasts-store.ts";
import type { Happening, State } from "./machine.ts";
import { advance, recipientsOf } from "./machine.ts";

/** What is written beside what the machine decides. */
export type More = Partial<
  Pick<
    BroadcastRow,
    "everybody" | "gatheredTo" | "sendAt" | "nextAt" | "refusedOnce" | "tries" | "failingSince"
  >
>;

/**
 * Writes what happened to a broadcast that is locked, and the events that tell
 * of it. Nothing when it cannot happen.
 */
export type Recorder = (
  tx: Query,
  row: BroadcastRow,
  happening: Happening,
  more?: More,
) => Promise<BroadcastRow | undefined>;

export interface RecordOptions {
  events: Events;
  metrics: BroadcastMetrics;
  /** Something may be due now. */
  due: () => void;
  now: () => number;
}

export function createRecord({ events, metrics, due, now }: RecordOptions): Recorder {
  const tellBegin = (tx: Query, { id, ownerId }: BroadcastRow, recipients: number, at: Date) =>
    events.publish(
      BroadcastStartedSchema,
      { broadcastId: id, ownerId, recipients: BigInt(recipients), startedAt: timestampFromDate(at) },
      tx,
    );

  const tellEnd = (tx: Query, row: BroadcastRow, at: Date) =>
    events.publish(
      BroadcastCompletedSchema,
      {
        broadcastId: row.id,
        ownerId: row.ownerId,
        sent: BigInt(row.sent),
        failed: BigInt(row.failed),
        skipped: BigInt(row.skipped),
        cancelled: row.status === "cancelled",
        finishedAt: timestampFromDate(at),
      },
      tx,
    );

  return async (tx, row, happening, more = {}) => {
    const before = stateOf(row);
    const after = advance(before, happening);
    if (!after) return undefined;
    const at = new Date(now());
    const { finished, ...state } = after;
    const ends = finished && !before.finished;
    const begins = happening.kind === "gathered";
    const moved = after.status !== before.status;
    const saved: BroadcastRow = {
      ...row,
      ...state,
      // What failed while it was something else says nothing of what it is now.
      ...(moved && { tries: 0, failingSince: null }),
      ...(moved && happening.kind !== "pause" && { nextAt: nextOf(row, after, at) }),
      ...(begins && { startedAt: at }),
      ...(ends && { finishedAt: at }),
      ...more,
    };
    await saveBroadcast(tx, saved);
    if (begins) await tellBegin(tx, saved, recipientsOf(after), at);
    if (ends) await tellEnd(tx, saved, at);
    afterCommit(tx, () => {
      if (ends) metrics.ended(saved.status);
      if (moved || happening.kind === "schedule") due();
    });
    return saved;
  };
}

/** Pausing must not let more through: what was put off stays put off. */
function nextOf({ sendAt, nextAt }: BroadcastRow, { status }: State, now: Date): Date | null {
  switch (status) {
    case "scheduled":
      return sendAt;
    case "gathering":
      return now;
    case "sending":
      return nextAt && nextAt > now ? nextAt : now;
    default:
      return null;
  }
}

/** Of what was done to recipients already: counts that do not fit undo it. */
export function counted(row: BroadcastRow | undefined): BroadcastRow {
  if (!row) throw fail.internal("no_record", "recipients of a broadcast do not add up");
  return row;
}

export function stateOf(row: BroadcastRow): State {
  const { status, resumesAs, reason, waiting, sending, sent, failed, skipped, finishedAt } = row;
  return {
    status,
    resumesAs,
    reason,
    finished: finishedAt !== null,
    waiting,
    sending,
    sent,
    failed,
    skipped,
  };
}
