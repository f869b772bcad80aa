import type {
  Consumer,
  JetStreamClient,
  JsMsg,
  OrderedConsumerOptions,
  StreamInfo,
} from "@nats-io/jetstream";
import { DeliverPolicy } from "@nats-io/jetstream";
import { within } from "#mesh/within.ts";

/** Where to begin in a stream. */
export type Start =
  | { readonly kind: "sequence"; readonly sequence: number }
  | { readonly kind: "time"; readonly time: Date }
  /** So many from the end, or some more. */
  | { readonly kind: "last"; readonly count: number }
  /** Behind what was read of it before. */
  | { readonly kind: "again"; readonly place: Place };

/** How far a stream was read. */
export interface Place {
  /** Tells it from another one that had the same name. */
  readonly created: string;
  readonly sequence: number;
}

export interface ReadingOptions {
  readonly js: JetStreamClient;
  /** As the broker has it. */
  readonly stream: string;
  /** Subjects, as the broker has them. */
  readonly filter: string;
  readonly start: Start;
}

/** A stream as it is read: first what was there, then what comes. Others that read it notice nothing. */
export interface Reading {
  /** The end of the stream when the reading began. */
  readonly place: Place;
  /** What was there when the reading began, and matches; ends behind it. */
  stored(): AsyncIterable<JsMsg>;
  /** What comes after that; ends when the stream or the broker is gone, or the reading is closed. */
  coming(): AsyncIterable<JsMsg>;
  close(): void;
}

/** What was there may be deleted while it is read; then the broker is asked whether there is more. */
const stallMs = 2000;
const ahead = 200;
/** The broker forgets a reader that was killed after so long. */
const forgottenNanos = 60 * 1_000_000_000;

export async function readStream(options: ReadingOptions): Promise<Reading> {
  const { consumer, pending, place } = await begin(options);
  const messages = await consumer.consume({ max_messages: ahead, abort_on_missing_resource: true });
  const iterator = messages[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<JsMsg>> | undefined;
  let left = pending;

  return {
    place,
    async *stored() {
      while (left > 0) {
        next ??= iterator.next();
        const head = await within(next, stallMs);
        if (!head) {
          left = Math.min(left, (await consumer.info()).num_pending);
          continue;
        }
        next = undefined;
        if (head.done) return;
        // Counted, too: what is pending grows with what comes meanwhile.
        left = Math.min(left - 1, head.value.info.pending);
        yield head.value;
      }
    },
    async *coming() {
      for (;;) {
        next ??= iterator.next();
        // What is gone is no failure of the reading: whoever follows looks what is there now.
        const head = await next.catch(() => undefined);
        next = undefined;
        if (!head || head.done) return;
        yield head.value;
      }
    },
    close() {
      // Not waited for: it ends when somebody reads on, which nobody may do.
      void messages.close();
    },
  };
}

interface Begun {
  readonly consumer: Consumer;
  /** How much that matches is there, from its start on. */
  readonly pending: number;
}

async function begin(options: ReadingOptions): Promise<Begun & Pick<Reading, "place">> {
  const { js, stream } = options;
  const info = await (await js.streams.get(stream)).info();
  const place = { created: info.created, sequence: info.state.last_seq };
  return { ...(await beginAt(options, info)), place };
}

async function beginAt({ js, stream, filter, start }: ReadingOptions, info: StreamInfo): Promise<Begun> {
  const { first_seq: first, last_seq: end } = info.state;
  const open = async (from: Partial<OrderedConsumerOptions>): Promise<Begun> => {
    const options = { ...from, filter_subjects: filter, inactive_threshold: forgottenNanos };
    const consumer = await js.consumers.get(stream, options);
    return { consumer, pending: (await consumer.info(true)).num_pending };
  };
  const openAt = (sequence: number) =>
    open({ deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, sequence) });

  if (start.kind === "sequence") return openAt(start.sequence);
  if (start.kind === "again") {
    return openAt(start.place.created === info.created ? start.place.sequence + 1 : 1);
  }
  if (start.kind === "time") {
    return open({ deliver_policy: DeliverPolicy.StartTime, opt_start_time: start.time.toISOString() });
  }
  if (start.count === 0) return openAt(end + 1);
  // Nothing tells where the last ones of a subject are, but how many there are from a place on: so ever further back.
  for (let back = start.count; ; back *= 8) {
    const sequence = Math.max(first, end - back + 1);
    const begun = await openAt(sequence);
    if (begun.pending >= start.count || sequence <= first) return begun;
    await begun.consumer.delete();
  }
}
