import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";
import type { Job } from "#gen/queue/v1/queue_pb.js";
import { JobStatus } from "#gen/queue/v1/queue_pb.js";
import { firstLine, harmless } from "../harmless.ts";
import { fields, paint, table } from "../terminal.ts";
import { ageOf, lengthOf } from "../time.ts";
import { nameOfStatus } from "./status-names.ts";

type Time = Parameters<typeof timestampDate>[0] | undefined;

/** Some of them, a line each. */
export function formatJobs(jobs: readonly Job[], now: Date): string {
  const rows = jobs.map((job) => [
    harmless(job.id),
    harmless(job.type),
    harmless(job.queue),
    paint(colours[job.status] ?? "white", nameOfStatus(job.status)),
    `${job.attempts}/${job.maxAttempts}`,
    ageOf(timeOf(job.runAt), now),
    firstLine(noteOf(job), 60),
  ]);
  return table(["id", "type", "queue", "status", "attempts", "due", "note"], rows);
}

/** All there is of one. */
export function formatJob(job: Job, now: Date): string {
  const when = (it: Time) => {
    const time = timeOf(it);
    return time ? `${time.toISOString()} (${ageOf(time, now)})` : "";
  };
  const head = fields([
    ["id", job.id],
    ["type", job.type],
    ["queue", job.queue],
    ["status", nameOfStatus(job.status)],
    ["attempts", `${job.attempts} of ${job.maxAttempts}`],
    ["priority", job.priority === 0 ? "" : String(job.priority)],
    ["progress", progressOf(job)],
    ["created", when(job.createdAt)],
    ["due", when(job.runAt)],
    ["started", when(job.startedAt)],
    ["finished", when(job.finishedAt)],
    ["timeout", job.timeout ? lengthOf(durationMs(job.timeout)) : ""],
    ["worker", job.worker],
    ["source", job.source],
    ["user", job.userId],
    ["key", job.idempotencyKey],
    ["schedule", job.scheduleId],
    ["correlation", job.correlationId],
  ]);
  const error = job.error && `${paint("dim", "error")}\n${harmless(job.error, "\n")}`;
  const payload =
    job.payload && `${paint("dim", "payload")}\n${harmless(JSON.stringify(job.payload, null, 2), "\n")}`;
  const remedy =
    job.status === JobStatus.DEAD &&
    paint("dim", `to correct, replay or drop it: weft dlq show job.${harmless(job.id)}`);
  return [head, error, payload, remedy].filter(Boolean).join("\n\n");
}

/** How far one is that runs; of another, why its last attempt failed. */
const noteOf = (job: Job): string =>
  job.status === JobStatus.RUNNING ? progressOf(job) : job.error && `error: ${job.error}`;

const progressOf = ({ progress, progressNote }: Job): string =>
  [progress === undefined ? "" : `${progress} %`, progressNote].join(" ").trim();

const timeOf = (time: Time): Date | undefined => time && timestampDate(time);

const colours: Partial<Record<JobStatus, "green" | "red" | "cyan" | "dim">> = {
  [JobStatus.RUNNING]: "cyan",
  [JobStatus.DONE]: "green",
  [JobStatus.DEAD]: "red",
  [JobStatus.CANCELLED]: "dim",
};
