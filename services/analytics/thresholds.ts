import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ThresholdService } from "#gen/analytics/v1/thresholds_pb.js";
import type { Call, Database, Handlers } from "#mesh";
import { canonicalId, cleanText, decodePage, newId, paged, pagePart, pageSize, requireUser } from "#mesh";
import { subjectIdOf } from "./facts/fact.ts";
import { lockSender } from "./figures-lock.ts";
import { directions, nameOf, toThreshold } from "./present.ts";
import { badWindow, halfSubject, noThreshold, tooManyThresholds } from "./refusals.ts";
import { quarterMs } from "./rollup-lines.ts";
import { figuresOf, isAdmin } from "./scope.ts";
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
  const visible = async (id: string, call: Call): Promise<ThresholdRow> => {
    const row = await findThreshold(db.sql, canonicalId(id));
    const user = requireUser(call);
    if (!row || (row.ownerId !== user.id && !isAdmin(user))) throw noThreshold();
    return row;
  };

  return {
    async createThreshold(request, call) {
      const user = requireUser(call);
      const { metric, subjectType, subjectId, currency, value } = request;
      if ((subjectType === "") !== (subjectId === "")) throw halfSubject("subject_id");
      const windowMs = request.window ? durationMs(request.window) : usualWindowMs;
      if (windowMs % quarterMs !== 0) throw badWindow();
      const row = await db.transaction(async (tx) => {
        await lockSender(tx, `thresholds:${user.id}`);
        if ((await countThresholds(tx, user.id)) >= mostOfUser) throw tooManyThresholds(mostOfUser);
        return insertThreshold(tx, {
          id: newId(now()),
          ownerId: user.id,
          figuresOf: figuresOf(user),
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
      const ownerId = isAdmin(user) ? undefined : user.id;
      const rows = await listThresholds(db.sql, { ownerId, beforeId, limit: size + 1 });
      const page = paged(rows, size, ({ id }) => [id]);
      return { thresholds: page.rows.map(toThreshold), nextPageToken: page.nextPageToken };
    },

    async getThreshold({ id }, call) {
      return { threshold: toThreshold(await visible(id, call)) };
    },

    async deleteThreshold({ id }, call) {
      const row = await visible(id, call);
      await deleteThreshold(db.sql, row.id);
      return {};
    },
  };
}
