import { duration, durationUpTo } from "#mesh";
import { jobsKeptAtMost } from "#mesh/inbox/forget.ts";

export const queueFields = {
  QUEUE_LEASE: duration("How long a job stays with a worker that says nothing.", { fallback: "30s" }),
  QUEUE_KEEP_DONE: duration("How long jobs are kept that are done or cancelled.", { fallback: "7d" }),
  // One that is retried later than this might have an effect again that was to happen once.
  QUEUE_KEEP_DEAD: durationUpTo(jobsKeptAtMost)("How long jobs are kept that failed for good.", {
    fallback: "30d",
  }),
};
