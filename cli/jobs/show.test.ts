import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { expect, test, vi } from "vitest";
import { JobSchema, JobStatus } from "#gen/queue/v1/queue_pb.js";
import { formatJob, formatJobs } from "./show.ts";

vi.stubEnv("NO_COLOR", "1");
const now = new Date("2026-01-31T12:00:00Z");
const job = (init: MessageInitShape<typeof JobSchema>) =>
  create(JobSchema, { id: "0190", type: "a.v1.Do", queue: "a", maxAttempts: 8, ...init });

test("one that runs is noted with how far it is, and not with the error of an attempt before", () => {
  const init = { attempts: 2, error: "no such mailbox", progress: 40, progressNote: "rendered" };
  const shown = formatJobs(
    [job({ ...init, status: JobStatus.RUNNING }), job({ ...init, status: JobStatus.WAITING })],
    now,
  );
  expect(shown.split("\n")).toEqual([
    "  id    type     queue  status   attempts  due  note",
    "  0190  a.v1.Do  a      running  2/8            40 % rendered",
    "  0190  a.v1.Do  a      waiting  2/8            error: no such mailbox",
  ]);
});

test("one that failed for good names the command that deals with it, and no other does", () => {
  expect(formatJob(job({ status: JobStatus.DEAD }), now)).toContain("weft dlq show job.0190");
  expect(formatJob(job({ status: JobStatus.CANCELLED }), now)).not.toContain("dlq");
});
