import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { NotificationFailedSchema, NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import type { Database, Events, Job } from "#mesh";
import { afterCommit, canonicalId, fail } from "#mesh";
import { toChannel } from "./channels.ts";
import type { Outcome, Parcel } from "./deliveries-store.ts";
import {
  closeDeliveries,
  findParcel,
  gatherDigest,
  isOpen,
  noteAttempt,
  unreachable,
} from "./deliveries-store.ts";
import type { OutChannel } from "./job-of.ts";
import type { NotificationMetrics } from "./notification-metrics.ts";
import { Refused, Unavailable } from "./providers/provider.ts";
import type { FindRecipient } from "./recipients.ts";
import { clip } from "./text.ts";
import type { Tried, Ways } from "./ways.ts";

export interface DeliveringOptions {
  db: Database;
  events: Events;
  recipient: FindRecipient;
  ways: Ways;
  metrics: NotificationMetrics;
  now: () => number;
}

/** E-mails of one digest; those beyond go out in another. */
const mostInDigest = 100;
const longestAnswer = 500;

/**
 * Does the jobs of one channel. A letter may go out twice when this process dies
 * between the provider's answer and the note of it: it has the same id then.
 */
export function createDelivering({ db, events, recipient, ways, metrics, now }: DeliveringOptions) {
  /**
   * Ends what is open of them, and tells of each in the same transaction: whoever
   * was told that it is queued waits for what became of it, if only that it is skipped.
   */
  const end = (job: Job, step: string, parcels: readonly Parcel[], outcome: Outcome) =>
    job.once(async (tx) => {
      const at = new Date(now());
      const topics = new Map(parcels.map(({ id, topic }) => [id, topic]));
      for (const row of await closeDeliveries(tx, [...topics.keys()], outcome, at)) {
        const { id: deliveryId, notificationId, userId, channel, provider, reason } = row;
        const topic = topics.get(deliveryId) ?? "";
        const told = { notificationId, deliveryId, userId, topic, channel: toChannel(channel), provider };
        const time = timestampFromDate(at);
        if (outcome.status === "sent") {
          await events.publish(NotificationSentSchema, { ...told, sentAt: time }, tx);
        } else {
          await events.publish(NotificationFailedSchema, { ...told, reason, failedAt: time }, tx);
        }
        afterCommit(tx, () => metrics.delivered(channel, outcome.status, provider));
      }
    }, step);

  const gathered = async (parcel: Parcel) =>
    parcel.digest && parcel.status === "held"
      ? db.transaction((tx) => gatherDigest(tx, parcel, mostInDigest))
      : [parcel];

  const carry = async (channel: OutChannel, parcels: readonly Parcel[], job: Job): Promise<Tried> => {
    const to = await recipient(parcels[0]?.userId ?? "");
    return to ? ways[channel].carry(parcels, to, job.signal) : { kind: "skipped", reason: "user_gone" };
  };

  return (channel: OutChannel) =>
    async (message: { readonly notificationId: string }, job: Job): Promise<void> => {
      const parcel = await findParcel(db.sql, canonicalId(message.notificationId), channel);
      if (!parcel || !isOpen(parcel)) return;
      const parcels = await gathered(parcel);
      if (parcels.length === 0) return;
      const { provider } = ways[channel];
      const outcome = (it: Partial<Outcome> & Pick<Outcome, "status">): Outcome => ({
        reason: "",
        provider,
        reference: "",
        answer: "",
        attempts: job.attempt,
        ...it,
      });

      let tried: Tried;
      try {
        tried = await carry(channel, parcels, job);
      } catch (error) {
        const answer = clip(answerOf(error), longestAnswer);
        if (error instanceof Refused) {
          await end(job, "refused", parcels, outcome({ status: "failed", reason: "rejected", answer }));
          return;
        }
        // Whoever ended the attempt decides what becomes of the job.
        if (job.signal.aborted) throw error;
        if (job.attempt >= job.maxAttempts) {
          await end(job, "given up", parcels, outcome({ status: "failed", reason: unreachable, answer }));
        } else {
          const ids = parcels.map(({ id }) => id);
          const note = { provider, answer, attempts: job.attempt };
          await noteAttempt(db.sql, ids, note, new Date(now()));
          metrics.delivered(channel, "retried", provider);
        }
        // Words of providers may name an address, so they stay out of the queue.
        throw error instanceof Unavailable
          ? fail.unavailable(unreachable, `${provider} could not take it`, {
              remedy: "the delivery has its answer",
            })
          : error;
      }
      if (tried.kind === "skipped") {
        await end(job, "skipped", parcels, outcome({ status: "skipped", reason: tried.reason }));
        return;
      }
      const { reference, answer } = tried.receipt;
      await end(
        job,
        "sent",
        parcels,
        outcome({ status: "sent", reference, answer: clip(answer, longestAnswer) }),
      );
    };
}

const answerOf = (error: unknown) =>
  error instanceof Refused || error instanceof Unavailable ? error.answer : "";
