import type { PermissionService } from "#gen/security/v1/permissions_pb.js";
import type { Clients, Database, Logger } from "#mesh";
import { adminsToAskAbout, noteAdmin } from "./admins-store.ts";
import { adminPermission } from "./rights.ts";

export interface AdminsOptions {
  db: Database;
  permissions: Clients<{ permissions: typeof PermissionService }>["permissions"];
  log: Logger;
  now: () => number;
  stopping: AbortSignal;
}

const dayMs = 24 * 60 * 60_000;
const atOnce = 20;
/** Other thresholds wait meanwhile. */
const timeoutMs = 2000;

/** An answer is asked for anew after this. */
const askAfterMs = dayMs;
/** It counts for longer, as security may be away for a while. */
export const countsForMs = 2 * dayMs;

/** Asks, once a day, whether those who watch everybody's figures still may: nothing tells when a role is taken. */
export function createAdminCheck({ db, permissions, log, now, stopping }: AdminsOptions) {
  return async (): Promise<void> => {
    const due = await adminsToAskAbout(db.sql, new Date(now() - askAfterMs), atOnce);
    try {
      for (const userId of due) {
        const question = { userId, permission: adminPermission };
        const { allowed } = await permissions.checkPermission(question, { signal: stopping, timeoutMs });
        await noteAdmin(db.sql, userId, allowed, new Date(now()));
      }
    } catch (err) {
      // Thresholds over one's own figures are looked at all the same.
      if (!stopping.aborted)
        log.warn({ err }, "rights to everybody's figures could not be asked for; tried again");
    }
  };
}
