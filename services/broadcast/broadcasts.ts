import { fromJson } from "@bufbuild/protobuf";
import type { BroadcastService } from "#gen/broadcast/v1/broadcast_pb.js";
import { SegmentSchema } from "#gen/broadcast/v1/broadcast_pb.js";
import type { Call, Database, Handlers, Query, UserIdentity } from "#mesh";
import {
  asService,
  canonicalId,
  decodePage,
  fitting,
  paged,
  pagePart,
  pageSize,
  requireUser,
  timeOf,
} from "#mesh";
import type { Audience } from "./audience.ts";
import { requireOpenFilter, requireWithinBounds } from "./bounds.ts";
import type { BroadcastRow } from "./broadcasts-store.ts";
import {
  chosenOf,
  countAhead,
  findBroadcast,
  listBroadcasts,
  lockBroadcast,
  lockOwner,
  particularsOf,
} from "./broadcasts-store.ts";
import type { Creation } from "./creation.ts";
import type { Deletion } from "./deletion.ts";
import type { Happening } from "./machine.ts";
import { recipientStatuses, statusOf, toBroadcast, toRecipient, toStats } from "./present.ts";
import type { createPreview } from "./preview.ts";
import { listRecipients } from "./recipients-store.ts";
import type { More, Recorder } from "./record.ts";
import {
  everybodyForAdmins,
  isOverNow,
  noBroadcast,
  stillDraft,
  tooManyAhead,
  underWay,
} from "./refusals.ts";
import { idOf, isAdmin, maySee } from "./rights.ts";
import { cleanSegment } from "./segment.ts";
import { isActive, isOver } from "./status.ts";
import type { TemplateCheck } from "./template-check.ts";

export interface BroadcastsOptions {
  db: Database;
  create: Creation;
  remove: Deletion;
  record: Recorder;
  preview: ReturnType<typeof createPreview>;
  checkTemplate: TemplateCheck;
  /** Broadcasts of one owner that are scheduled or under way. */
  mostAhead: number;
  now: () => number;
}

/** What is to happen, if anything. */
type Decided = { readonly happening: Happening; readonly more?: More } | undefined;

export function broadcasts(options: BroadcastsOptions): Handlers<typeof BroadcastService> {
  const { db, create, remove, record, preview, checkTemplate, mostAhead, now } = options;

  const shown = async (row: BroadcastRow) => {
    const [particulars, userIds] = await Promise.all([
      particularsOf(db.sql, row.id),
      row.hasChosen ? chosenOf(db.sql, row.id, { after: null, limit: null }) : [],
    ]);
    return { broadcast: toBroadcast(row, particulars, userIds) };
  };

  const visible = async (id: string, call: Call): Promise<BroadcastRow> => {
    const row = await findBroadcast(db.sql, canonicalId(id));
    if (!row || !maySee(row, requireUser(call))) throw noBroadcast();
    return row;
  };

  const requireRoomAhead = async (tx: Query, ownerId: string) => {
    await lockOwner(tx, ownerId);
    if ((await countAhead(tx, ownerId)) >= mostAhead) throw tooManyAhead(mostAhead);
  };

  /** Rights come and go: what it says must still be for this user to have sent. */
  const requireStillWithin = async (tx: Query, row: BroadcastRow, user: UserIdentity) => {
    const { segment, template } = await particularsOf(tx, row.id);
    const { topic, channels, link } = row;
    const hasTemplate = template !== null;
    const kept = fromJson(SegmentSchema, segment);
    requireWithinBounds(user, { topic, segment: kept, hasTemplate, channels, link });
  };

  /** Has it happen, unless the broadcast is so already. */
  const move = async (
    id: string,
    call: Call,
    decide: (row: BroadcastRow, tx: Query, user: UserIdentity) => Decided | Promise<Decided>,
  ) => {
    const user = requireUser(call);
    const row = await db.transaction(async (tx) => {
      const current = await lockBroadcast(tx, canonicalId(id));
      if (!current || !maySee(current, user)) throw noBroadcast();
      const decided = await decide(current, tx, user);
      const after = decided && (await record(tx, current, decided.happening, decided.more));
      return after ?? current;
    });
    return shown(row);
  };

  return {
    createBroadcast: async (request, call) => shown(await create(request, call)),

    getBroadcast: async ({ id }, call) => shown(await visible(id, call)),

    async listBroadcasts({ pageSize: wanted, pageToken, status }, call) {
      const user = requireUser(call);
      const size = pageSize(wanted);
      const rows = await listBroadcasts(db.sql, {
        ownerId: isAdmin(user) ? undefined : idOf(user),
        status: statusOf(status),
        beforeId: decodePage(pageToken, [pagePart.uuid])?.[0],
        limit: size + 1,
      });
      const keyOf = ({ id }: BroadcastRow) => [id];
      const page = fitting(paged(rows, size, keyOf), (row) => toBroadcast(row, row), keyOf);
      return { broadcasts: page.messages, nextPageToken: page.nextPageToken };
    },

    getBroadcastStats: async ({ id }, call) => ({ stats: toStats(await visible(id, call)) }),

    async listRecipients({ id, pageSize: wanted, pageToken, status }, call) {
      const row = await visible(id, call);
      // That somebody wants none, or has no telephone, is not the seller's to know.
      const isTold = isAdmin(requireUser(call));
      const size = pageSize(wanted);
      const rows = await listRecipients(db.sql, row.id, {
        statuses: recipientStatuses(status, row),
        afterId: decodePage(pageToken, [pagePart.uuid])?.[0],
        limit: size + 1,
      });
      const page = paged(rows, size, ({ userId }) => [userId]);
      return {
        recipients: page.rows.map((it) => toRecipient(it, row, isTold)),
        nextPageToken: page.nextPageToken,
      };
    },

    async previewAudience({ segment }, call) {
      const user = requireUser(call);
      const asked = cleanSegment(segment);
      requireOpenFilter(user, asked);
      const audience = audienceOf(user, asked);
      const { userIds, ...seen } = await asService(call, () => preview(audience, call.signal));
      return { ...seen, userIds: [...userIds] };
    },

    async scheduleBroadcast({ id, sendAt }, call) {
      const at = timeOf("send_at", sendAt);
      const seen = await visible(id, call);
      if (seen.status === "draft" || seen.status === "scheduled") {
        await checkTemplate((await particularsOf(db.sql, seen.id)).template, call);
      }
      return move(id, call, async (row, tx, user) => {
        if (row.status !== "draft" && row.status !== "scheduled") {
          // The same request again finds what it has brought about.
          if (row.status !== "paused" && row.status !== "cancelled" && isSame(at, row)) return undefined;
          throw isOver(row.status) ? isOverNow(row.status) : underWay(row.status);
        }
        await requireStillWithin(tx, row, user);
        if (row.status === "draft") await requireRoomAhead(tx, row.ownerId);
        const due = at ?? new Date(now());
        // Whoever has lost the right to reach everybody since does not keep it by a draft.
        const everybody = row.everybody && isAdmin(user);
        // What failed was at another time.
        const anew = { tries: 0, failingSince: null };
        return { happening: { kind: "schedule" }, more: { ...anew, sendAt: due, nextAt: due, everybody } };
      });
    },

    pauseBroadcast: ({ id }, call) =>
      move(id, call, ({ status }) => {
        if (status === "paused") return undefined;
        if (status === "draft") throw stillDraft();
        if (isOver(status)) throw isOverNow(status);
        return { happening: { kind: "pause", reason: "" } };
      }),

    resumeBroadcast: ({ id }, call) =>
      move(id, call, async (row, tx, user) => {
        if (isActive(row.status)) return undefined;
        if (row.status === "draft") throw stillDraft();
        if (isOver(row.status)) throw isOverNow(row.status);
        await requireStillWithin(tx, row, user);
        const everybody = row.everybody && isAdmin(user);
        // As in scheduling, unless it is too late to leave anybody out.
        if (row.everybody && !everybody && row.resumesAs !== "scheduled") throw everybodyForAdmins();
        return { happening: { kind: "resume" }, more: { everybody } };
      }),

    cancelBroadcast: ({ id }, call) =>
      move(id, call, ({ status }) => {
        if (status === "cancelled") return undefined;
        if (status === "completed") throw isOverNow(status);
        return { happening: { kind: "cancel", reason: "" } };
      }),

    async deleteBroadcast({ id }, call) {
      await remove(id, call);
      return {};
    },
  };
}

const isSame = (at: Date | undefined, { sendAt }: BroadcastRow) =>
  at === undefined || at.getTime() === sendAt?.getTime();

function audienceOf(user: UserIdentity, segment: ReturnType<typeof cleanSegment>): Audience {
  const { userIds } = segment;
  const chosen = async (after: string | null, limit: number) => {
    const from = after === null ? 0 : userIds.findIndex((id) => id > after);
    return from < 0 ? [] : userIds.slice(from, from + limit);
  };
  return {
    ownerId: idOf(user),
    everybody: isAdmin(user),
    segment,
    chosen: userIds.length > 0 ? chosen : undefined,
  };
}
