import { duration, integer } from "#mesh";

export const queueFields = {
  QUEUE_LEASE: duration("How long a job stays with a worker that says nothing.", { fallback: "30s" }),
  QUEUE_KEEP_DONE: duration("How long jobs are kept that are done or cancelled.", { fallback: "7d" }),
  QUEUE_KEEP_DEAD: duration("How long jobs are kept that failed for good.", { fallback: "30d" }),
  QUEUE_STREAM_REPLICAS: integer(1, 5)(
    "Servers of a NATS cluster that keep each job on its way here; 3 in production, so that one may be lost.",
    { fallback: "1" },
  ),
};
