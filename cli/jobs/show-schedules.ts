import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Schedule } from "#gen/queue/v1/schedules_pb.js";
import { harmless } from "../harmless.ts";
import { fields, paint, table } from "../terminal.ts";
import { ageOf } from "../time.ts";

type Time = Parameters<typeof timestampDate>[0] | undefined;

/** Some of them, a line each. */
export function formatSchedules(schedules: readonly Schedule[], now: Date): string {
  const rows = schedules.map((schedule) => [
    harmless(schedule.name),
    harmless(schedule.cron),
    harmless(schedule.timeZone),
    harmless(schedule.type),
    ageOf(timeOf(schedule.nextRunAt), now) || "never",
    ageOf(timeOf(schedule.lastRunAt), now) || "never",
    schedule.paused ? paint("yellow", "paused") : "",
  ]);
  return table(["name", "cron", "zone", "type", "next", "last", "state"], rows);
}

/** All there is of one. */
export function formatSchedule(schedule: Schedule, now: Date): string {
  const when = (it: Time) => {
    const time = timeOf(it);
    return time ? `${time.toISOString()} (${ageOf(time, now)})` : "never";
  };
  const head = fields([
    ["id", schedule.id],
    ["name", schedule.name],
    ["cron", schedule.cron],
    ["zone", schedule.timeZone],
    ["type", schedule.type],
    ["priority", schedule.priority === 0 ? "" : String(schedule.priority)],
    ["state", schedule.paused ? "paused" : ""],
    ["next", when(schedule.nextRunAt)],
    ["last", when(schedule.lastRunAt)],
    ["created", when(schedule.createdAt)],
  ]);
  const payload =
    schedule.payload &&
    `${paint("dim", "payload")}\n${harmless(JSON.stringify(schedule.payload, null, 2), "\n")}`;
  return [head, payload].filter(Boolean).join("\n\n");
}

const timeOf = (time: Time): Date | undefined => time && timestampDate(time);
