import { toJson } from "@bufbuild/protobuf";
import { ListSchedulesResponseSchema, ScheduleSchema, ScheduleService } from "#gen/queue/v1/schedules_pb.js";
import { fail } from "#mesh/errors.ts";
import type { Command, Invocation } from "../command.ts";
import { confirmed } from "../confirm.ts";
import { doEach } from "../each.ts";
import { harmless } from "../harmless.ts";
import { findSchedule } from "../jobs/find-schedule.ts";
import { formatSchedule, formatSchedules } from "../jobs/show-schedules.ts";
import { asOperator } from "../operator.ts";
import { countOf, nextPage, runPart, textOf } from "../parts.ts";
import { paint, print, printJson } from "../terminal.ts";

export const schedules: Command = {
  name: "schedules",
  summary: "Jobs that are made by the clock: list, show, pause, resume, drop",
  usage: `ls [-n <count>] [--page <page>] [--json]
       weft schedules show <schedule> [--json]
       weft schedules pause <schedule> [--json]
       weft schedules resume <schedule> [--json]
       weft schedules drop <schedule…> [--yes] [--json]

  <schedule>    its name or its id
  -n, --limit   how many at most; default 50
  --page        go on where a list ended, as it says
  --yes         do not ask before it is dropped

By name. One that is paused makes no jobs, and once it is resumed counts from then
on: what it missed it does not make up for. Jobs that it made stay when it is dropped.
One is made with: weft call CreateSchedule '{…}' --as operator`,
  flags: {
    limit: { type: "string", short: "n" },
    page: { type: "string" },
    yes: { type: "boolean", short: "y" },
  },
  run: (invocation) =>
    runPart(
      {
        command: schedules,
        usual: "ls",
        parts: {
          ls: { flags: ["limit", "page"], run: list },
          show: { words: ["schedule"], run: show },
          pause: { words: ["schedule"], run: (it) => update(it, true) },
          resume: { words: ["schedule"], run: (it) => update(it, false) },
          drop: { words: ["schedule"], most: 1000, flags: ["yes"], run: drop },
        },
      },
      invocation,
    ),
};

async function list({ flags, workspace }: Invocation): Promise<number> {
  const pageSize = countOf(flags, "limit", { command: schedules, fallback: 50, least: 1, most: 500 });
  const pageToken = textOf(flags, "page") ?? "";
  const service = await asOperator(ScheduleService, workspace);
  const answer = await service.listSchedules({ pageSize, pageToken });
  if (flags.json) {
    printJson(toJson(ListSchedulesResponseSchema, answer, { alwaysEmitImplicit: true }));
    return 0;
  }
  if (answer.schedules.length > 0) print(formatSchedules(answer.schedules, new Date()));
  else print(pageToken ? "No further ones." : "No schedules.");
  if (answer.nextPageToken) {
    print(paint("dim", `\n  more: ${nextPage(schedules, flags, answer.nextPageToken)}`));
  }
  return 0;
}

async function show({ words, flags, workspace }: Invocation): Promise<number> {
  const service = await asOperator(ScheduleService, workspace);
  const schedule = await findSchedule(service, words[0] ?? "");
  if (flags.json) printJson(toJson(ScheduleSchema, schedule, { alwaysEmitImplicit: true }));
  else print(formatSchedule(schedule, new Date()));
  return 0;
}

async function update({ words, flags, workspace }: Invocation, paused: boolean): Promise<number> {
  const service = await asOperator(ScheduleService, workspace);
  const { id } = await findSchedule(service, words[0] ?? "");
  const { schedule } = await service.updateSchedule({ id, paused });
  if (!schedule) throw fail.internal("no_schedule", "the queue service answered without a schedule");
  if (flags.json) printJson(toJson(ScheduleSchema, schedule, { alwaysEmitImplicit: true }));
  else print(formatSchedules([schedule], new Date()));
  return 0;
}

async function drop({ words, flags, workspace }: Invocation): Promise<number> {
  const ids = [...new Set(words)];
  const which = ids.length === 1 ? `the schedule ${harmless(ids[0] ?? "")}` : `${ids.length} schedules`;
  if (!flags.yes && !(await confirmed(`Drop ${which} for good?`))) {
    print("Nothing was dropped.");
    return 1;
  }
  const service = await asOperator(ScheduleService, workspace);
  const work = async (nameOrId: string) =>
    service.deleteSchedule({ id: (await findSchedule(service, nameOrId)).id });
  return doEach({ ids, done: "dropped", json: flags.json === true, work });
}
