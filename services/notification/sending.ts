import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { NotificationArrivedSchema, NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import type { Database, Events, Jobs, Live, Query } from "#mesh";
import { afterCommit, isTimeZone, keyReused, newId, requireSame } from "#mesh";
import type { ChannelName } from "./channels.ts";
import type { Content } from "./content.ts";
import { write } from "./content.ts";
import { insertDelivery } from "./deliveries-store.ts";
import { nextSeq } from "./inboxes-store.ts";
import { jobOf } from "./job-of.ts";
import type { NotificationMetrics } from "./notification-metrics.ts";
import type { NotificationRow } from "./notifications-store.ts";
import { findByKey, insertNotification } from "./notifications-store.ts";
import type { Planned } from "./plan.ts";
import { plan } from "./plan.ts";
import { findQuietHours, findTopic } from "./preferences-store.ts";
import type { FindRecipient, Recipient } from "./recipients.ts";
import { noRecipient } from "./refusals.ts";
import type { Rendered } from "./template-text.ts";

export interface Wanted {
  readonly userId: string;
  readonly topic: string;
  /** None: those that the user wants. */
  readonly channels: readonly ChannelName[];
  readonly content: Content;
  readonly link: string;
  /** In whose name it speaks; empty for the platform. */
  readonly voice: string;
  readonly urgent: boolean;
  /** Who asks: keys are the sender's own. */
  readonly sender: string;
  readonly key: string | undefined;
  /** Tells requests with the same key apart; nothing when the key says all. */
  readonly hash: Uint8Array | null;
}

export interface SendingOptions {
  db: Database;
  recipient: FindRecipient;
  events: Events;
  jobs: Jobs;
  live: Live;
  metrics: NotificationMetrics;
  now: () => number;
}

/** Makes notifications: what is to be done about each is in the same transaction. */
export type Send = (wanted: Wanted, tx?: Query) => Promise<Made>;

export interface Made {
  readonly row: NotificationRow;
  /** Otherwise the key had made it before. */
  readonly isNew: boolean;
}

export function createSend({ db, recipient, events, jobs, live, metrics, now }: SendingOptions): Send {
  const known = async (query: Query, { sender, key, hash }: Wanted) => {
    const row = key === undefined ? undefined : await findByKey(query, sender, key);
    if (row && hash) requireSame(row.requestHash, hash);
    return row;
  };

  const put = async (tx: Query, wanted: Wanted, to: Recipient, words: Rendered): Promise<Made> => {
    const { userId, topic, link, voice, urgent, sender, key, hash } = wanted;
    const seq = await nextSeq(tx, userId);
    if (seq === undefined) throw noRecipient();
    const at = new Date(now());
    const quietHours = await findQuietHours(tx, userId);
    const wish = await findTopic(tx, userId, topic);
    const timeZone = quietHours?.timeZone ?? (isTimeZone(to.timeZone || "-") ? to.timeZone : "UTC");
    const ways = plan({
      asked: wanted.channels,
      urgent,
      wish,
      quietHours,
      timeZone,
      nowMs: at.getTime(),
    });
    const channels = ways.filter(({ status }) => status !== "skipped").map(({ channel }) => channel);
    const row = await insertNotification(tx, {
      id: newId(at.getTime()),
      userId,
      seq,
      topic,
      ...words,
      link,
      voice,
      channels,
      inApp: channels.includes("in_app"),
      sender,
      idempotencyKey: key ?? null,
      requestHash: hash,
      createdAt: at,
    });
    // Somebody was faster with the same key, in a list of another user at that.
    if (!row) {
      const before = await known(tx, wanted);
      if (!before) throw keyReused();
      return { row: before, isNew: false };
    }
    for (const way of ways) await deliver(tx, row, way, urgent);
    metrics.made(topic);
    return { row, isNew: true };
  };

  const deliver = async (
    tx: Query,
    { id: notificationId, userId, topic, createdAt }: NotificationRow,
    way: Planned,
    urgent: boolean,
  ) => {
    const { channel, status, heldUntil } = way;
    const id = newId(createdAt.getTime());
    const provider = status === "delivered" ? channel : "";
    await insertDelivery(tx, { ...way, id, notificationId, userId, provider }, createdAt);
    if (channel === "in_app" && status === "delivered") {
      await events.publish(
        NotificationSentSchema,
        {
          notificationId,
          deliveryId: id,
          userId,
          topic,
          channel: Channel.IN_APP,
          provider,
          sentAt: timestampFromDate(createdAt),
        },
        tx,
      );
      afterCommit(tx, () => live.send(NotificationArrivedSchema, { userId }));
    } else if (channel !== "in_app" && status !== "skipped") {
      const when = heldUntil ? { runAt: heldUntil } : {};
      await jobs.enqueue(jobOf[channel], { notificationId }, { tx, priority: urgent ? 50 : 0, ...when });
    }
    if (status === "delivered" || status === "skipped") {
      afterCommit(tx, () => metrics.delivered(channel, status, provider));
    }
  };

  return async (wanted, given) => {
    const query = given ?? db.sql;
    const before = await known(query, wanted);
    if (before) return { row: before, isNew: false };
    const to = await recipient(wanted.userId);
    if (!to) throw noRecipient();
    const words = await write(query, wanted.content, to.locale);
    return given ? put(given, wanted, to, words) : db.transaction((tx) => put(tx, wanted, to, words));
  };
}
