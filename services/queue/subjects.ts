/** Streams, consumers and subjects by their own names; `Nats` puts those of its platform before them. */
export const jobsStream = "jobs";
export const intakeConsumer = "queue";

/** Where services put jobs on their way here. One token behind `jobs`, for that is all the stream keeps. */
export const jobSubject = (queue: string): string => `jobs.${queue}`;

/** Where workers hear that jobs of a queue became due. Two tokens: not kept. */
export const readySubject = (queue: string): string => `jobs.ready.${queue}`;
