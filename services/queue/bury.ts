import type { Failure, Undelivered } from "#mesh/dead-letters/letter.ts";
import { jobSubject, jobsStream } from "#mesh/jobs/stream.ts";
import { intakeConsumer } from "./intake-consumer.ts";

/** A message that is no job and can become none. */
export interface Unreadable {
  /** Of the dead letter: the same for the same message. */
  readonly id: string;
  readonly subject: string;
  readonly headers: readonly string[];
  readonly error: unknown;
  /** How often it was delivered. */
  readonly attempts: number;
  readonly data: Uint8Array;
}

/** Puts it where people find it. Rejects when that cannot be done now: it comes again then. */
export type Bury = (message: Unreadable) => Promise<void>;

export interface Graveyard {
  bury(message: Undelivered, failure: Failure): Promise<void>;
}

/** Puts what is no job beside the events that nobody could handle. */
export const createBury =
  (letters: Graveyard, now: () => number): Bury =>
  ({ id, subject, headers, error, attempts, data }) => {
    const at = new Date(now());
    const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    return letters.bury(
      { id, service: "queue", consumer: intakeConsumer, stream: jobsStream, subject, headers, data },
      { error: message, stack, attempts, firstFailedAt: at, lastFailedAt: at },
    );
  };

/** The subject without what the platform puts before it. */
export const plainSubject = (subject: string): string =>
  jobSubject(subject.slice(subject.lastIndexOf(".") + 1));
