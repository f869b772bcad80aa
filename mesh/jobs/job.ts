import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import type { Call } from "../call/call.ts";
import type { Transaction } from "../db/database.ts";

/** What a handler is told of a job beside its message. */
export interface Job {
  readonly id: string;
  /** 1 for the first. The last one that fails makes the job a dead letter. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** When it was taken in by the queue. */
  readonly createdAt: Date;
  /** Under which only one such job is taken in; empty for none. */
  readonly key: string;
  /** For whom it was asked, as the service that asked says; empty for none. It is done in this service's own name. */
  readonly userId: string;
  /**
   * Aborted when the time of the attempt is over, when the job was cancelled or
   * given to another worker, and when the service stops. End soon then.
   */
  readonly signal: AbortSignal;
  /** Its log, deadline and trace, as with a call. */
  readonly call: Call;
  /**
   * Runs an effect that is to happen once, however often the job is begun: in a
   * transaction with a note that it happened. Gives back false when it happened
   * in an attempt before, of which nobody heard. A job with several such effects
   * names each. No transaction is held while the rest of the handler runs.
   */
  once(effect: (tx: Transaction) => Promise<unknown> | unknown, step?: string): Promise<boolean>;
  /** Shows how far the job is, 0 to 100, to those who look at it. */
  progress(percent: number, note?: string): void;
}

export type JobHandler<D extends DescMessage> = (
  message: MessageShape<D>,
  job: Job,
) => Promise<unknown> | unknown;

export interface WorkOptions {
  /** Jobs of this type that one instance does at once. Default: 4. */
  readonly concurrency?: number;
}

/** What a service declares to do for jobs of one type. */
export interface Work {
  readonly schema: DescMessage;
  readonly handler: (message: Message, job: Job) => Promise<unknown> | unknown;
  readonly options: WorkOptions;
}

/**
 * Does jobs of one type. A handler that returns has done the job; one that
 * throws is tried again as the job's contract says, but for errors that tell
 * that no attempt can succeed (`invalid_argument`, `out_of_range`,
 * `unimplemented`).
 */
export function job<D extends DescMessage>(
  schema: D,
  handler: JobHandler<D>,
  options: WorkOptions = {},
): Work {
  return { schema, handler: handler as Work["handler"], options };
}
