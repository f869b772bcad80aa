import { DiscardPolicy, RetentionPolicy } from "@nats-io/jetstream";
import type { StreamPlan } from "../nats/streams.ts";

/** Names without what the platform puts before them. */
export const jobsStream = "jobs";

/** Where services put jobs. One token behind `jobs`, for that is all the stream keeps. */
export const jobSubject = (queue: string): string => `${jobsStream}.${queue}`;

/** Where workers hear that jobs of a queue are due. Two tokens: not kept. */
export const readySubject = (queue: string): string => `${jobsStream}.ready.${queue}`;

/** Jobs on their way from outboxes to the queue service, which takes them out once it has them. */
export const jobsStreamPlan: StreamPlan = {
  name: jobsStream,
  subjects: [jobSubject("*")],
  shared: true,
  settings: {
    retention: RetentionPolicy.Workqueue,
    // A job stays until it is in the database; then outboxes hold what comes.
    max_age: 0,
    max_bytes: 1024 ** 3,
    discard: DiscardPolicy.New,
  },
};
