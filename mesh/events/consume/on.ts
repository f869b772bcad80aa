import type { DescMessage, Message, MessageShape } from "@bufbuild/protobuf";
import type { Call } from "../../call/call.ts";
import type { Transaction } from "../../db/database.ts";

/** What a handler is told of an event beside its message. */
export interface Event {
  readonly id: string;
  /** Such as `order.created`. */
  readonly subject: string;
  /** The service that published it. */
  readonly source: string;
  /** The aggregate that it is about. */
  readonly key: string;
  /** When it was published. */
  readonly time: Date;
  /** 1 for the first. */
  readonly attempt: number;
  /**
   * The transaction in which its effect is to be written: it commits together
   * with the note that the event was handled, so the effect happens once.
   */
  readonly tx: Transaction;
  /** Its log, deadline, signal and trace, as with a call. */
  readonly call: Call;
}

export type EventHandler<D extends DescMessage> = (
  message: MessageShape<D>,
  event: Event,
) => Promise<unknown> | unknown;

export interface OnOptions {
  /** Tells it from other consumers of its service. Default: the first subject. */
  readonly name?: string;
  /** Events handled at once. Default: 8. */
  readonly concurrency?: number;
  /**
   * How many events may share a transaction when many wait: most of the time of
   * small ones goes into beginning and ending it. Only for handlers whose whole
   * effect is in `tx`: when one fails, all are undone and handled one by one.
   * Default: 1.
   */
  readonly together?: number;
  /**
   * How long an event may wait for others to share its transaction: what need
   * not be done at once costs less so. Only with `together`. Default: 0.
   */
  readonly gatherMs?: number;
  /**
   * Handles events of one aggregate one after the other, in the order in which
   * they happened; a failing one holds up those of its aggregate only. One
   * instance of the service does so at a time. Needs a database. Default: false.
   */
  readonly ordered?: boolean;
  /** Attempts before an event becomes a dead letter. Default: 10, over about ten minutes. */
  readonly attempts?: number;
  /** Pause before the second attempt; doubles with each further one. Default: 1 s. */
  readonly backoffMs?: number;
  /** No pause is longer. Default: 5 min. */
  readonly maxBackoffMs?: number;
  /** Time of one attempt; then its signal is aborted and its calls end. Default: 30 s. */
  readonly timeoutMs?: number;
  /**
   * Where a consumer begins that was never there before: with what the stream
   * still has, or with what comes. Default: "kept".
   */
  readonly from?: "kept" | "now";
}

/** Which messages a consumer is there for, besides their kind. */
export interface Concern<D extends DescMessage> {
  /**
   * The others are done without a transaction. It must say the same of a message
   * whenever it is asked. Default: all.
   */
  readonly when?: (message: MessageShape<D>) => boolean;
}

/** A consumer as a service declares it. */
export interface Subscription {
  readonly schemas: readonly DescMessage[];
  readonly handler: (message: Message, event: Event) => Promise<unknown> | unknown;
  readonly concerns: (message: Message) => boolean;
  readonly options: OnOptions;
}

/** Handles events of one kind, or of several kinds of one service. */
export function on<const D extends DescMessage>(
  schema: D | readonly D[],
  handler: EventHandler<D>,
  { when = () => true, ...options }: OnOptions & Concern<D> = {},
): Subscription {
  const schemas: readonly DescMessage[] = Array.isArray(schema) ? schema : [schema as D];
  return {
    schemas,
    handler: handler as Subscription["handler"],
    concerns: when as Subscription["concerns"],
    options,
  };
}
