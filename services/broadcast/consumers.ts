import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { NotificationFailedSchema, NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import { OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { Query, Subscription } from "#mesh";
import { canonicalId, cleanText, on } from "#mesh";
import { forgetVoice, lockBroadcast, openOf } from "./broadcasts-store.ts";
import type { News } from "./news-store.ts";
import { applyNews, broadcastOf, keepNews, mayBeAnswered, noteArrival } from "./news-store.ts";
import { countBack, countPaid, forgetTrade } from "./purchases-store.ts";
import { forgetPlaces } from "./reached-store.ts";
import { skipGone, waitingIn } from "./recipients-store.ts";
import type { Recorder } from "./record.ts";
import { counted } from "./record.ts";

interface About {
  readonly notificationId: string;
  readonly userId: string;
  readonly topic: string;
}

/**
 * Events come in any order, and more than once. An order counts once and back
 * once, and for nobody who is known to be gone; one channel on which a
 * notification arrived outweighs those on which it failed.
 */
export function consumers({ record, now }: { record: Recorder; now: () => number }): Subscription[] {
  /** Tells whether the notification is a recipient's. */
  const correct = async (tx: Query, notificationId: string, news: News): Promise<boolean> => {
    const broadcastId = await broadcastOf(tx, notificationId);
    if (broadcastId === undefined) return false;
    if (news.arrived && (await noteArrival(tx, notificationId))) return true;
    const row = await lockBroadcast(tx, broadcastId);
    if (row && (await applyNews(tx, notificationId, news, new Date(now())))) {
      await record(tx, row, { kind: "corrected", to: news.arrived ? "sent" : "failed" });
    }
    return true;
  };

  /** Most are of notifications that no broadcast has made. */
  const hear = async (tx: Query, about: About, news: News) => {
    const notificationId = canonicalId(about.notificationId);
    if (await correct(tx, notificationId, news)) return;
    if (await mayBeAnswered(tx, canonicalId(about.userId), about.topic)) {
      await keepNews(tx, notificationId, news, new Date(now()));
    } else {
      // The answer may have been written since.
      await correct(tx, notificationId, news);
    }
  };

  return [
    // What is in the list on the page has arrived when it is made, and the answer says so.
    on(NotificationSentSchema, (message, { tx }) => hear(tx, message, { arrived: true, reason: "" }), {
      when: ({ channel }) => channel !== Channel.IN_APP,
    }),

    on(NotificationFailedSchema, (message, { tx }) =>
      hear(tx, message, { arrived: false, reason: cleanText(message.reason) || "failed" }),
    ),

    on(
      OrderStatusUpdatedSchema,
      async (message, { tx, time }) => {
        const { orderId, sellerId, customerId, status, updatedAt } = message;
        const purchase = {
          orderId: canonicalId(orderId),
          ownerId: canonicalId(sellerId),
          userId: canonicalId(customerId),
        };
        if (status === OrderStatus.PAID) await countPaid(tx, purchase, timeOr(updatedAt, time));
        else await countBack(tx, purchase);
      },
      {
        when: ({ status, sellerId, customerId }) =>
          trades.has(status) && sellerId !== "" && customerId !== "",
      },
    ),

    on(UserDeletedSchema, async (message, { tx }) => {
      const userId = canonicalId(message.userId);
      await forgetTrade(tx, userId, new Date(now()));
      await forgetVoice(tx, userId);
      const own = new Set(await openOf(tx, userId));
      // One after the other in their order, as all do who need several.
      const ids = new Set([...own, ...(await waitingIn(tx, userId))]);
      for (const id of [...ids].sort()) {
        const row = await lockBroadcast(tx, id);
        if (!row || row.finishedAt) continue;
        const recipients = await skipGone(tx, id, userId, new Date(now()));
        const left = recipients > 0 ? counted(await record(tx, row, { kind: "gone", recipients })) : row;
        if (own.has(id)) await record(tx, left, { kind: "cancel", reason: "owner_gone" });
      }
      // Last: whoever sends has locked the broadcast, which this may have waited for.
      await forgetPlaces(tx, userId);
    }),
  ];
}

const trades: ReadonlySet<OrderStatus> = new Set([
  OrderStatus.PAID,
  OrderStatus.REFUNDED,
  OrderStatus.CANCELLED,
]);

const timeOr = (timestamp: Timestamp | undefined, time: Date): Date =>
  timestamp ? timestampDate(timestamp) : time;
