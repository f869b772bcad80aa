import { duration } from "#mesh";

export const queueFields = {
  QUEUE_LEASE: duration("How long a job stays with a worker that says nothing.", { fallback: "30s" }),
  QUEUE_KEEP_DONE: duration("How long jobs are kept that are done or cancelled.", { fallback: "7d" }),
  QUEUE_KEEP_DEAD: duration("How long jobs are kept that failed for good.", { fallback: "30d" }),
};
