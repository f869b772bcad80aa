import { fromJson } from "@bufbuild/protobuf";
import { SegmentSchema } from "#gen/broadcast/v1/broadcast_pb.js";
import type { Database, Logger, Loop } from "#mesh";
import { pauseMs, reasonOf, startTaking } from "#mesh";
import { afterFailure } from "./after-failure.ts";
import type { Audience, Pages } from "./audience.ts";
import type { BroadcastRow } from "./broadcasts-store.ts";
import { chosenOf, findBroadcast, lockBroadcast, particularsOf } from "./broadcasts-store.ts";
import { claimGathering, postpone } from "./due-store.ts";
import { recipientsOf } from "./machine.ts";
import { addRecipients } from "./recipients-store.ts";
import type { Recorder } from "./record.ts";
import { stateOf } from "./record.ts";
import type { StillAllowed } from "./still-allowed.ts";

export interface GatheringOptions {
  db: Database;
  pages: Pages;
  record: Recorder;
  stillAllowed: StillAllowed;
  mostRecipients: number;
  paceMs: number;
  log: Logger;
  now: () => number;
  random: () => number;
  stopping: AbortSignal;
}

/** Longer than a page takes: who is silent for that long will not come back to it. */
const leaseMs = 30_000;
/** Broadcasts that one instance gathers for, at once. */
const atOnce = 4;

/** Begins what is due, and finds its recipients page by page. After a crash another goes on where it was. */
export function startGathering(options: GatheringOptions): Loop {
  const { db, pages, record, stillAllowed, mostRecipients, paceMs, log, now, random, stopping } = options;
  const leasedUntil = () => new Date(now() + leaseMs);

  const audienceOf = async ({ id, ownerId, everybody, hasChosen }: BroadcastRow): Promise<Audience> => ({
    ownerId,
    everybody,
    segment: fromJson(SegmentSchema, (await particularsOf(db.sql, id)).segment),
    chosen: hasChosen ? (after, limit) => chosenOf(db.sql, id, { after, limit }) : undefined,
  });

  const begin = async (id: string) => {
    const seen = await findBroadcast(db.sql, id);
    if (seen?.status !== "scheduled") return seen;
    const isAllowed = await stillAllowed(seen);
    return db.transaction(async (tx) => {
      const row = await lockBroadcast(tx, id);
      if (row?.status !== "scheduled") return row;
      // Put off while it was on its way here, or another than was asked about.
      if ((row.sendAt && row.sendAt.getTime() > now()) || row.everybody !== seen.everybody) return undefined;
      if (!isAllowed) return record(tx, row, { kind: "cancel", reason: "not_allowed" });
      return record(tx, row, { kind: "begin" }, { nextAt: leasedUntil() });
    });
  };

  /** The broadcast after its next page; nothing when somebody else is at it, or it is something else. */
  const onePage = async (row: BroadcastRow, audience: Audience): Promise<BroadcastRow | undefined> => {
    const { userIds, last, isLast } = await pages(audience, row.gatheredTo, stopping);
    return db.transaction(async (tx) => {
      const current = await lockBroadcast(tx, row.id);
      if (current?.status !== "gathering" || current.gatheredTo !== row.gatheredTo) return undefined;
      const at = new Date(now());
      const recipients = await addRecipients(tx, row.id, userIds, at);
      const found = await record(
        tx,
        current,
        { kind: "found", recipients },
        {
          gatheredTo: last ?? current.gatheredTo,
          nextAt: leasedUntil(),
          tries: 0,
          failingSince: null,
        },
      );
      if (!found) return undefined;
      if (recipientsOf(stateOf(found)) > mostRecipients) {
        return record(tx, found, { kind: "cancel", reason: "too_many_recipients" });
      }
      return isLast ? record(tx, found, { kind: "gathered" }, { nextAt: at }) : found;
    });
  };

  const gather = async (id: string) => {
    let row: BroadcastRow | undefined;
    try {
      row = await begin(id);
      if (row?.status !== "gathering") return;
      const audience = await audienceOf(row);
      while (row?.status === "gathering" && !stopping.aborted) row = await onePage(row, audience);
    } catch (err) {
      if (stopping.aborted) return;
      log.warn(
        { err, broadcast: id, reason: reasonOf(err) },
        "a broadcast could not be begun, or its audience gathered; tried again",
      );
      const seen = row ?? (await findBroadcast(db.sql, id));
      if (!seen) return;
      const nowMs = now();
      const at = new Date(nowMs + pauseMs(seen.tries + 1, random, afterFailure));
      await postpone(db.sql, seen, { at, failingSince: new Date(nowMs) });
    }
  };

  return startTaking({
    atOnce,
    everyMs: paceMs,
    stopping,
    claim: (limit) => claimGathering(db.sql, { now: new Date(now()), leasedUntil: leasedUntil(), limit }),
    run: gather,
    failed: (err) => log.warn({ err }, "broadcasts that are due could not be begun; tried again"),
  });
}
