import type { Call, Database } from "#mesh";
import { canonicalId, requireUser } from "#mesh";
import { lockBroadcast, markDeleted } from "./broadcasts-store.ts";
import { cancelFirst, noBroadcast, stillOnTheWay } from "./refusals.ts";
import { maySee } from "./rights.ts";
import { isOver } from "./status.ts";

/** Forgets what nothing becomes of any more. Its rows go later: there may be a million recipients. */
export const createDeletion =
  ({ db, now }: { db: Database; now: () => number }) =>
  (id: string, call: Call): Promise<void> => {
    const user = requireUser(call);
    return db.transaction(async (tx) => {
      const row = await lockBroadcast(tx, canonicalId(id));
      if (!row || !maySee(row, user)) throw noBroadcast();
      if (row.status !== "draft" && !isOver(row.status)) throw cancelFirst(row.status);
      // Its end is yet to be told.
      if (isOver(row.status) && !row.finishedAt) throw stillOnTheWay();
      await markDeleted(tx, row.id, new Date(now()));
    });
  };

export type Deletion = ReturnType<typeof createDeletion>;
