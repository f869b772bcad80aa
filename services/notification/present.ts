import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { DeliverySchema, NotificationSchema } from "#gen/notification/v1/notification_pb.js";
import { DeliveryStatus } from "#gen/notification/v1/notification_pb.js";
import type { TopicPreferenceSchema } from "#gen/notification/v1/preferences_pb.js";
import { Digest as ShownDigest } from "#gen/notification/v1/preferences_pb.js";
import type { TemplateSchema } from "#gen/notification/v1/templates_pb.js";
import { toChannel } from "./channels.ts";
import type { DeliveryRow, DeliveryState } from "./deliveries-store.ts";
import type { Digest } from "./digest-time.ts";
import type { NotificationRow } from "./notifications-store.ts";
import type { TopicRow } from "./preferences-store.ts";
import { variablesOf } from "./template-text.ts";
import type { TemplateRow } from "./templates-store.ts";

const statuses: Readonly<Record<DeliveryState, DeliveryStatus>> = {
  queued: DeliveryStatus.QUEUED,
  held: DeliveryStatus.HELD,
  sent: DeliveryStatus.SENT,
  delivered: DeliveryStatus.DELIVERED,
  failed: DeliveryStatus.FAILED,
  skipped: DeliveryStatus.SKIPPED,
};

const digests: Readonly<Record<Digest, ShownDigest>> = {
  off: ShownDigest.UNSPECIFIED,
  daily: ShownDigest.DAILY,
  weekly: ShownDigest.WEEKLY,
};

export const digestOf = (shown: ShownDigest): Digest =>
  (Object.keys(digests) as Digest[]).find((it) => digests[it] === shown) ?? "off";

export function toNotification(row: NotificationRow): MessageInitShape<typeof NotificationSchema> {
  const { id, userId, topic, subject, text, link, voice, channels, createdAt, readAt } = row;
  return {
    id,
    userId,
    topic,
    subject,
    text,
    link,
    voice,
    channels: channels.map(toChannel),
    read: readAt !== null,
    createdAt: timestampFromDate(createdAt),
    ...(readAt && { readAt: timestampFromDate(readAt) }),
  };
}

export function toDelivery(row: DeliveryRow): MessageInitShape<typeof DeliverySchema> {
  const { id, notificationId, channel, status, provider, providerReference, answer, attempts } = row;
  return {
    id,
    notificationId,
    channel: toChannel(channel),
    status: statuses[status],
    reason: row.reason,
    provider,
    providerReference,
    answer,
    attempts,
    ...(status === "held" && row.heldUntil && { heldUntil: timestampFromDate(row.heldUntil) }),
    createdAt: timestampFromDate(row.createdAt),
    updatedAt: timestampFromDate(row.updatedAt),
  };
}

export const toTopic = ({
  topic,
  channels,
  digest,
}: TopicRow): MessageInitShape<typeof TopicPreferenceSchema> => ({
  topic,
  channels: channels.map(toChannel),
  digest: digests[digest],
});

export const toTemplate = ({
  name,
  variants,
  builtIn,
  updatedAt,
}: TemplateRow): MessageInitShape<typeof TemplateSchema> => ({
  name,
  variants,
  builtIn,
  variables: variablesOf(...variants),
  updatedAt: timestampFromDate(updatedAt),
});
