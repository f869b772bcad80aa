import { toJson } from "@bufbuild/protobuf";
import { JobSchema, JobStatus, ListJobsResponseSchema, QueueService } from "#gen/queue/v1/queue_pb.js";
import { fail } from "#mesh/errors.ts";
import type { Command, Invocation } from "../command.ts";
import { usageError } from "../command.ts";
import { doEach } from "../each.ts";
import { jobIdOf } from "../jobs/job-id.ts";
import { formatJob, formatJobs } from "../jobs/show.ts";
import { statusNamed, statusNames } from "../jobs/status-names.ts";
import { asOperator } from "../operator.ts";
import { countOf, nextPage, runPart, textOf } from "../parts.ts";
import { paint, print, printJson } from "../terminal.ts";

export const jobs: Command = {
  name: "jobs",
  summary: "Background jobs: list, show, retry, cancel",
  usage: `ls [--queue <queue>] [--status <status>] [--type <type>] [-n <count>] [--page <page>] [--json]
       weft jobs show <id> [--json]
       weft jobs retry <id…> [--json]
       weft jobs cancel <id…> [--json]

  --queue       only those of this queue
  --status      ${statusNames.join(", ")}
  --type        only those of this type, such as notification.v1.DeliverEmail
  -n, --limit   how many at most; default 50
  --page        go on where a list ended, as it says

Newest first. retry makes those that failed for good or were cancelled wait
again, with all their attempts; cancel ends those that wait and asks the worker of
one that runs to stop.`,
  flags: {
    queue: { type: "string" },
    status: { type: "string" },
    type: { type: "string" },
    limit: { type: "string", short: "n" },
    page: { type: "string" },
  },
  run: (invocation) =>
    runPart(
      {
        command: jobs,
        usual: "ls",
        parts: {
          ls: { flags: ["queue", "status", "type", "limit", "page"], run: list },
          show: { words: ["id"], run: show },
          retry: { words: ["id"], most: 1000, run: retry },
          cancel: { words: ["id"], most: 1000, run: cancel },
        },
      },
      invocation,
    ),
};

async function list({ flags, workspace }: Invocation): Promise<number> {
  const pageSize = countOf(flags, "limit", { command: jobs, fallback: 50, least: 1, most: 500 });
  const wanted = textOf(flags, "status");
  const status = wanted === undefined ? undefined : statusNamed(wanted);
  if (wanted !== undefined && status === undefined) {
    throw usageError(`--status "${wanted}" is none of ${statusNames.join(", ")}`, jobs);
  }
  const [queue, type, pageToken] = ["queue", "type", "page"].map((name) => textOf(flags, name) ?? "");
  const service = await asOperator(QueueService, workspace);
  const answer = await service.listJobs({
    pageSize,
    ...(pageToken && { pageToken }),
    ...(queue && { queue }),
    ...(type && { type }),
    ...(status && { status }),
  });
  if (flags.json) {
    printJson(toJson(ListJobsResponseSchema, answer, { alwaysEmitImplicit: true }));
    return 0;
  }
  if (answer.jobs.length > 0) print(formatJobs(answer.jobs, new Date()));
  else print(pageToken || queue || type || status ? "No such jobs." : "No jobs.");
  if (answer.nextPageToken) print(paint("dim", `\n  more: ${nextPage(jobs, flags, answer.nextPageToken)}`));
  if (status === JobStatus.DEAD && answer.jobs.length > 0) {
    print(paint("dim", "\n  to correct, replay or drop them: weft dlq"));
  }
  return 0;
}

async function show({ words, flags, workspace }: Invocation): Promise<number> {
  const id = jobIdOf(words[0] ?? "");
  const service = await asOperator(QueueService, workspace);
  const { job } = await service.getJob({ id });
  if (!job) throw fail.internal("no_job", "the queue service answered without a job");
  if (flags.json) printJson(toJson(JobSchema, job));
  else print(formatJob(job, new Date()));
  return 0;
}

async function retry({ words, flags, workspace }: Invocation): Promise<number> {
  const service = await asOperator(QueueService, workspace);
  const work = async (word: string) => service.retryJob({ id: jobIdOf(word) });
  return doEach({ ids: [...new Set(words)], done: "retried", json: flags.json === true, work });
}

async function cancel({ words, flags, workspace }: Invocation): Promise<number> {
  const service = await asOperator(QueueService, workspace);
  const work = async (word: string) => service.cancelJob({ id: jobIdOf(word) });
  return doEach({ ids: [...new Set(words)], done: "cancelled", json: flags.json === true, work });
}
