import type { JetStreamManager } from "@nats-io/jetstream";
import type { Database } from "../db/database.ts";
import type { Logger } from "../log/logger.ts";
import type { AckedPublisher } from "../nats/acked-publisher.ts";
import type { Nats } from "../nats/nats.ts";
import type { StreamPlan, StreamSettings } from "../nats/streams.ts";
import { ensureStream, errorCode } from "../nats/streams.ts";
import type { OutboxRow, Published, StreamMark } from "./outbox-store.ts";
import { markedStreams, markOf, publishAgain } from "./outbox-store.ts";
import { publishInOrder } from "./publish-in-order.ts";
import type { RelayPolicy } from "./relay-policy.ts";

export interface OutletsOptions {
  readonly db: Database;
  readonly nats: Nats;
  readonly log: Logger;
  readonly publisher: AckedPublisher;
  readonly jsm: Promise<JetStreamManager>;
  readonly plans: readonly StreamPlan[];
  readonly settings: StreamSettings;
  readonly policy: RelayPolicy;
  /** Asks for another look, when a stream that refused may be tried again. */
  readonly again: () => void;
}

export interface Emptied {
  readonly stored: readonly Published[];
  readonly marks: readonly StreamMark[];
  /** Nothing could be published, for this reason. */
  readonly error: unknown;
}

/** The streams that an outbox is emptied into. */
export interface Outlets {
  /** Sees whether the streams still have what they acknowledged, unless that was seen. */
  verify(): Promise<void>;
  publish(rows: readonly OutboxRow[]): Promise<Emptied>;
  /** Streams that are left alone for a moment. */
  blocked(): readonly string[];
  /** What was known of the streams may be wrong. */
  forget(): void;
}

/** Where a stream ends. */
interface Tail {
  readonly created: string;
  sequence: number;
}

/** JetStream's own code: the stream ends elsewhere than the message was to come behind. */
const wrongLastSequence = 10071;

export function createOutlets(options: OutletsOptions): Outlets {
  const { db, nats, log, publisher, jsm, plans, settings, policy, again } = options;
  const tails = new Map<string, Tail>();
  const blockedUntil = new Map<string, number>();
  /** Streams that had some of what was published last. */
  const repeating = new Set<string>();
  let isVerified = false;
  const planOf = new Map(plans.map((plan) => [plan.name, plan]));

  /**
   * Looks where the stream ends, and whether it still has all that it
   * acknowledged; nothing when it has not, for what it lost comes first then.
   */
  const tailOf = async (stream: string, subject: string): Promise<Tail | undefined> => {
    const known = tails.get(stream);
    if (known) return known;
    const plan = planOf.get(stream) ?? { name: stream, subjects: subject ? [subject] : [] };
    const { state, created } = await ensureStream(nats, await jsm, plan, settings);
    const mark = await markOf(db.sql, stream);
    const kept = mark?.created === created ? state.last_seq : 0;
    if (mark && kept < mark.sequence) {
      const count = await publishAgain(db.sql, stream, kept);
      log.warn({ stream, count }, "the broker has lost acknowledged events; they are published again");
      if (count > 0) return undefined;
    }
    const tail = { created, sequence: state.last_seq };
    tails.set(stream, tail);
    return tail;
  };

  const publishTo = async (stream: string, rows: readonly OutboxRow[]) => {
    const isShared = planOf.get(stream)?.shared === true;
    const tail = await tailOf(stream, rows[0]?.subject ?? "");
    if (!tail) return { stored: [], mark: undefined, error: undefined };
    const outgoing = rows.map((row) => ({ ...row, subject: nats.subject(row.subject) }));
    const { stored, error, repeated } = await publishInOrder(
      publisher,
      outgoing,
      isShared ? undefined : tail.sequence,
      repeating.has(stream),
    );
    if (repeated) repeating.add(stream);
    else repeating.delete(stream);
    for (const { sequence } of stored) tail.sequence = Math.max(tail.sequence, sequence);
    if (error !== undefined) tails.delete(stream);
    return { stored, mark: { stream, ...tail }, error };
  };

  const block = (stream: string) => {
    blockedUntil.set(stream, performance.now() + policy.blockMs);
    setTimeout(again, policy.blockMs + 1).unref();
  };

  return {
    async verify() {
      if (isVerified) return;
      for (const stream of await markedStreams(db.sql)) await tailOf(stream, "");
      isVerified = true;
    },
    async publish(rows) {
      const groups = [...Map.groupBy(rows, ({ stream }) => stream)];
      const results = await Promise.allSettled(groups.map(([stream, group]) => publishTo(stream, group)));
      const stored: Published[] = [];
      const marks: StreamMark[] = [];
      let failure: unknown;
      for (const [index, result] of results.entries()) {
        const [stream = ""] = groups[index] ?? [];
        const error: unknown = result.status === "rejected" ? result.reason : result.value.error;
        if (result.status === "fulfilled" && result.value.mark && result.value.stored.length > 0) {
          stored.push(...result.value.stored);
          marks.push(result.value.mark);
        }
        // Somebody else has written there, or the stream had some of these: that is found out at once.
        if (error === undefined || errorCode(error) === wrongLastSequence) continue;
        failure ??= error;
        block(stream);
      }
      return { stored, marks, error: stored.length === 0 ? failure : undefined };
    },
    blocked() {
      const nowMs = performance.now();
      for (const [stream, untilMs] of blockedUntil) if (untilMs <= nowMs) blockedUntil.delete(stream);
      return [...blockedUntil.keys()];
    },
    forget() {
      isVerified = false;
      tails.clear();
      blockedUntil.clear();
    },
  };
}
