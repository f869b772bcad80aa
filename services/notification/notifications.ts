import type {
  ListNotificationsRequest,
  NotificationService,
  SendNotificationRequest,
} from "#gen/notification/v1/notification_pb.js";
import type { Call, Database, Handlers } from "#mesh";
import {
  canonicalId,
  cleanText,
  decodePage,
  idempotencyKey,
  newId,
  paged,
  pagePart,
  pageSize,
  permits,
  replayed,
  requireUser,
} from "#mesh";
import { channelsOf } from "./channels.ts";
import type { Content } from "./content.ts";
import { deliveriesOf } from "./deliveries-store.ts";
import { lockInbox } from "./inboxes-store.ts";
import { countUnread, findNotification, listNotifications, markRead } from "./notifications-store.ts";
import { toDelivery, toNotification } from "./present.ts";
import type { PushServices } from "./providers/push-services.ts";
import { arePushKeys } from "./push-keys.ts";
import {
  badEndpoint,
  badPushKeys,
  noList,
  noNotification,
  noRecipient,
  noSubscription,
  pushNotOffered,
} from "./refusals.ts";
import { keeperOf, sendHash } from "./request-key.ts";
import type { Send } from "./sending.ts";
import type { Stream } from "./stream.ts";
import { dropSubscription, saveSubscription } from "./subscriptions-store.ts";
import { oneLine } from "./text.ts";

export interface NotificationsOptions {
  db: Database;
  send: Send;
  stream: Stream;
  /** Nothing: no push is sent. */
  pushKey: string | undefined;
  pushServices: PushServices;
  now: () => number;
}

/** Browsers of one user that get push messages. */
const mostSubscriptions = 20;

export function notifications(options: NotificationsOptions): Handlers<typeof NotificationService> {
  const { db, send, stream, pushKey, pushServices, now } = options;

  const offered = (): string => {
    if (pushKey === undefined) throw pushNotOffered();
    return pushKey;
  };

  return {
    async sendNotification(request, call) {
      const { row, isNew } = await send({
        userId: canonicalId(request.userId),
        topic: request.topic,
        channels: channelsOf(request.channels),
        content: contentOf(request),
        link: cleanText(request.link),
        voice: oneLine(cleanText(request.voice)),
        urgent: request.urgent,
        sender: keeperOf(call),
        key: idempotencyKey(call, request.idempotencyKey),
        hash: sendHash(request),
      });
      if (!isNew) replayed(call);
      const deliveries = await deliveriesOf(db.sql, row.id);
      return { notification: toNotification(row), deliveries: deliveries.map(toDelivery) };
    },

    async listNotifications(request, call) {
      const userId = canonicalId(request.userId);
      const own = requireUser(call).id === userId;
      if (!own && !isAdmin(call)) throw noList();
      const size = pageSize(request.pageSize);
      const rows = await listNotifications(db.sql, {
        ...filterOf(request),
        userId,
        inApp: own,
        limit: size + 1,
      });
      const page = paged(rows, size, ({ seq }) => [seq.toString()]);
      return {
        notifications: page.rows.map(toNotification),
        nextPageToken: page.nextPageToken,
        unreadCount: await countUnread(db.sql, userId),
      };
    },

    async markRead({ id }, call) {
      const row = await markRead(db.sql, canonicalId(id), requireUser(call).id, new Date(now()));
      if (!row) throw noNotification();
      return { notification: toNotification(row) };
    },

    async listDeliveries({ notificationId }, call) {
      const row = await findNotification(db.sql, canonicalId(notificationId));
      if (!row || (row.userId !== requireUser(call).id && !isAdmin(call))) throw noNotification();
      return { deliveries: (await deliveriesOf(db.sql, row.id)).map(toDelivery) };
    },

    async subscribe({ endpoint, p256dh, auth }, call) {
      offered();
      const userId = requireUser(call).id;
      if (!URL.canParse(endpoint) || !pushServices.mayTake(new URL(endpoint))) throw badEndpoint();
      if (!arePushKeys(p256dh, auth)) throw badPushKeys();
      const id = newId(now());
      const row = { id, userId, endpoint: new URL(endpoint).href, p256dh, auth, createdAt: new Date(now()) };
      const saved = await db.transaction(async (tx) => {
        if (!(await lockInbox(tx, userId))) throw noRecipient();
        return saveSubscription(tx, row, mostSubscriptions);
      });
      return { id: saved.id };
    },

    async unsubscribe({ id }, call) {
      if (!(await dropSubscription(db.sql, canonicalId(id), requireUser(call).id))) throw noSubscription();
      return {};
    },

    getPushKey: () => ({ publicKey: offered() }),

    streamNotifications: ({ lastEventId }, call) => stream(requireUser(call).id, lastEventId, call),
  };
}

const isAdmin = (call: Call) => permits(requireUser(call).permissions, "notification:admin");

const filterOf = ({ topic, unread, pageToken }: ListNotificationsRequest) => ({
  topic: cleanText(topic),
  unread,
  beforeSeq: decodePage(pageToken, [pagePart.number])?.[0],
});

function contentOf({ content }: SendNotificationRequest): Content {
  if (content.case === "template") {
    const { name, variables } = content.value;
    const clean = Object.entries(variables).map(([key, value]) => [key, cleanText(value)]);
    return { kind: "template", name, variables: Object.fromEntries(clean) };
  }
  const { subject = "", text = "" } = content.value ?? {};
  return { kind: "words", subject: cleanText(subject), text: cleanText(text) };
}
