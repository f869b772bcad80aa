import { BroadcastService } from "#gen/broadcast/v1/broadcast_pb.js";
import type { Running, Setup } from "#mesh";
import { handlers } from "#mesh";
import { createPages } from "./audience.ts";
import { createBroadcastMetrics } from "./broadcast-metrics.ts";
import { broadcasts } from "./broadcasts.ts";
import type { broadcastFields } from "./config.ts";
import { consumers } from "./consumers.ts";
import { createCreation } from "./creation.ts";
import { createDeletion } from "./deletion.ts";
import { countStuck } from "./due-store.ts";
import { startGathering } from "./gathering.ts";
import type { peerContracts } from "./peers.ts";
import { createPreview } from "./preview.ts";
import { createRecord } from "./record.ts";
import { startSending } from "./sending.ts";
import { createSettling } from "./settling.ts";
import { createStillAllowed } from "./still-allowed.ts";
import { createTemplateCheck } from "./template-check.ts";
import { startUpkeep } from "./upkeep.ts";
import { createFindVoice } from "./voice.ts";

/** What tests replace. */
export interface World {
  now: () => number;
  random: () => number;
  /** How often each replica looks for what others may have left. Default 1 s. */
  paceMs: number;
}

type Given = Setup<typeof peerContracts, typeof broadcastFields>;

/** From then on somebody should look. */
const stuckMs = 5 * 60_000;

/** Puts the parts together. */
export const setUp =
  ({ now = Date.now, random = Math.random, paceMs = 1000 }: Partial<World>) =>
  ({ db, calls: peers, events, config, log, metrics: all, health, stopping }: Given): Running => {
    const metrics = createBroadcastMetrics(all);
    const due = () => {
      gathering.wake();
      sending.wake();
    };
    const record = createRecord({ events, metrics, due, now });
    const settle = createSettling({ record, metrics, now, random });
    const pages = createPages({ sql: db.sql, users: peers.users });
    const preview = createPreview({ sql: db.sql, users: peers.users, pages });
    const looping = { db, record, paceMs, log, now, stopping };
    const mostRecipients = config.BROADCAST_MOST_RECIPIENTS;
    const stillAllowed = createStillAllowed({ permissions: peers.permissions, stopping });
    const gathering = startGathering({ ...looping, pages, stillAllowed, mostRecipients, random });
    const sending = startSending({
      ...looping,
      notifications: peers.notifications,
      settle,
      metrics,
      mostPerCustomer: config.BROADCAST_PER_CUSTOMER,
    });
    const upkeep = startUpkeep({ ...looping, metrics, everyMs: 5 * paceMs, keepMs: config.BROADCAST_KEEP });

    health.add({
      name: "broadcasts",
      critical: false,
      check: async () => {
        const count = await countStuck(db.sql, new Date(now() - stuckMs));
        if (count > 0) throw new Error(`${count} broadcasts do not go on; the log says what fails`);
      },
    });
    const create = createCreation({
      db,
      findVoice: createFindVoice(peers.profiles),
      mostDrafts: config.BROADCAST_DRAFTS_MOST,
      now,
    });
    const remove = createDeletion({ db, now });
    const checkTemplate = createTemplateCheck(peers.templates);
    const mostAhead = config.BROADCAST_AHEAD_MOST;
    const answers = { db, create, remove, record, preview, checkTemplate, mostAhead, now };
    return {
      rpc: [handlers(BroadcastService, broadcasts(answers))],
      on: consumers({ record, now }),
      stop: async () => {
        await Promise.all([gathering.ended, sending.ended, upkeep.ended]);
      },
    };
  };
