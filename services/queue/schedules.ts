import type { JsonObject } from "@bufbuild/protobuf";
import type { ScheduleService } from "#gen/queue/v1/schedules_pb.js";
import type { Database, Handlers } from "#mesh";
import { cleanText, decodePage, newId, paged, pagePart, pageSize, violates } from "#mesh";
import { nextTime, requireTiming } from "./cron.ts";
import type { JobType, MessageTypes } from "./message-types.ts";
import { requireJobType } from "./message-types.ts";
import { encodePayload, restoreHidden } from "./payload.ts";
import { toSchedule } from "./present.ts";
import { noSchedule, scheduleExists } from "./refusals.ts";
import type { ScheduleRow } from "./schedules-store.ts";
import * as store from "./schedules-store.ts";

export interface SchedulesOptions {
  db: Database;
  types: MessageTypes;
  /** Schedules changed. */
  changed: () => void;
  now: () => number;
}

export function schedules({ db, types, changed, now }: SchedulesOptions): Handlers<typeof ScheduleService> {
  const shown = (row: ScheduleRow) => ({ schedule: toSchedule(row, types) });

  return {
    async createSchedule({ name: wanted, cron, timeZone, type: typeName, payload = {}, priority }) {
      const name = cleanText(wanted);
      const type = requireJobType(types, typeName);
      const timing = { cron: cron.trim(), timeZone: timeZone || "UTC" };
      requireTiming(timing, now());
      const row: ScheduleRow = {
        id: newId(now()),
        name,
        ...timing,
        type: typeName,
        ...settingsOf(type),
        payload: encodePayload(type, payload),
        priority,
        paused: false,
        nextRunAt: nextTime(timing, now()) ?? null,
        lastRunAt: null,
        createdAt: new Date(now()),
      };
      const inserted = await store.insertSchedule(db.sql, row).catch((error: unknown) => {
        throw violates(error, store.uniqueName) ? scheduleExists(name) : error;
      });
      changed();
      return shown(inserted);
    },

    async getSchedule({ id }) {
      const row = await store.findSchedule(db.sql, id);
      if (!row) throw noSchedule();
      return shown(row);
    },

    async listSchedules({ pageSize: wanted, pageToken }) {
      const size = pageSize(wanted);
      const after = decodePage(pageToken, [pagePart.text])?.[0];
      const page = paged(await store.listSchedules(db.sql, after, size + 1), size, ({ name }) => [name]);
      return {
        schedules: page.rows.map((row) => toSchedule(row, types)),
        nextPageToken: page.nextPageToken,
      };
    },

    async updateSchedule({ id, cron, timeZone, payload, priority, paused }) {
      const row = await db.transaction(async (tx) => {
        const current = await store.lockSchedule(tx, id);
        if (!current) throw noSchedule();
        const timing = { cron: cron?.trim() ?? current.cron, timeZone: timeZone ?? current.timeZone };
        requireTiming(timing, now());
        const next = {
          ...current,
          ...timing,
          priority: priority ?? current.priority,
          paused: paused ?? current.paused,
          ...(payload && newPayload(current, payload)),
        };
        // What is due stays due: only another timing, or going on after a pause, counts from now.
        const keeps =
          !current.paused &&
          !next.paused &&
          timing.cron === current.cron &&
          timing.timeZone === current.timeZone;
        const nextRunAt = next.paused ? null : keeps ? current.nextRunAt : (nextTime(timing, now()) ?? null);
        return store.saveSchedule(tx, { ...next, nextRunAt });
      });
      changed();
      return shown(row);
    },

    async deleteSchedule({ id }) {
      if (!(await store.deleteSchedule(db.sql, id))) throw noSchedule();
      return {};
    },
  };

  function newPayload(current: ScheduleRow, payload: JsonObject) {
    const type = requireJobType(types, current.type);
    return {
      ...settingsOf(type),
      payload: encodePayload(type, restoreHidden(type, payload, current.payload)),
    };
  }
}

const settingsOf = ({ queue, maxAttempts, timeoutMs, backoffMs }: JobType) => ({
  queue,
  maxAttempts,
  timeoutMs,
  backoffMs,
});
