import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ThresholdService } from "#gen/analytics/v1/thresholds_pb.js";
import type { Database, Handlers, UserIdentity } from "#mesh";
import {
  canonicalId,
  cleanText,
  decodePage,
  lockNamed,
  newId,
  paged,
  pagePart,
  pageSize,
  requireUser,
} from "#mesh";
import { noteAdmin } from "./admins-store.ts";
import { subjectIdOf } from "./facts/fact.ts";
import { directions, nameOf, toThreshold } from "./present.ts";
import { badWindow, halfSubject, noThreshold, tooManyThresholds } from "./refusals.ts";
import { requireMetric } from "./require-metric.ts";
import { figuresOf, isAdmin } from "./rights.ts";
import { everybody, quarterMs } from "./rollup-lines.ts";
import type { ThresholdRow } from "./thresholds-store.ts";
import {
  countThresholds,
  deleteThreshold,
  findThreshold,
  insertThreshold,
  listThresholds,
} from "./thresholds-store.ts";

export interface ThresholdsOptions {
  db: Database;
  now: () => number;
}

const mostOfUser = 100;
const usualWindowMs = 24 * 60 * 60_000;

export function thresholds({ db, now }: ThresholdsOptions): Handlers<typeof ThresholdService> {
  const find = async (id: string, user: UserIdentity): Promise<ThresholdRow> => {
    const row = await findThreshold(db.sql, canonicalId(id));
    if (!row || (row.ownerId !== user.id && !isAdmin(user))) throw noThreshold();
    return row;
  };

  return {
    async createThreshold(request, call) {
      const user = requireUser(call);
      const { metric, subjectType, subjectId, currency, value } = request;
      requireMetric(metric);
      if ((subjectType === "") !== (subjectId === "")) throw halfSubject("subject_id");
      const windowMs = request.window ? durationMs(request.window) : usualWindowMs;
      if (windowMs % quarterMs !== 0) throw badWindow();
      const row = await db.transaction(async (tx) => {
        await lockNamed(tx, `thresholds:${user.id}`);
        if ((await countThresholds(tx, user.id)) >= mostOfUser) throw tooManyThresholds(mostOfUser);
        const whose = figuresOf(user);
        if (whose === everybody) await noteAdmin(tx, user.id, true, new Date(now()));
        return insertThreshold(tx, {
          id: newId(now()),
          ownerId: user.id,
          figuresOf: whose,
          name: cleanText(request.name),
          metric,
          subjectType,
          subjectId: subjectIdOf(subjectId),
          currency,
          direction: nameOf(directions, request.direction as 1 | 2) ?? "rises",
          value,
          windowMs,
          createdAt: new Date(now()),
        });
      });
      return { threshold: toThreshold(row) };
    },

    async listThresholds(request, call) {
      const user = requireUser(call);
      const size = pageSize(request.pageSize);
      const beforeId = decodePage(request.pageToken, [pagePart.uuid])?.[0];
      const ofEverybody = isAdmin(user);
      const ownerId = ofEverybody ? undefined : user.id;
      const rows = await listThresholds(db.sql, { ownerId, ofEverybody, beforeId, limit: size + 1 });
      const page = paged(rows, size, ({ id }) => [id]);
      return { thresholds: page.rows.map(toThreshold), nextPageToken: page.nextPageToken };
    },

    async getThreshold({ id }, call) {
      const user = requireUser(call);
      const row = await find(id, user);
      // Whoever made it over everybody's figures may have lost the right since.
      if (row.figuresOf === everybody && !isAdmin(user)) throw noThreshold();
      return { threshold: toThreshold(row) };
    },

    async deleteThreshold({ id }, call) {
      const row = await find(id, requireUser(call));
      await deleteThreshold(db.sql, row.id);
      return {};
    },
  };
}
