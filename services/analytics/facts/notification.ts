import { NotificationFailedSchema, NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import { Channel } from "#gen/notification/v1/notification_pb.js";
import { mapping } from "./fact.ts";

const channelName = (channel: Channel) => (Channel[channel] ?? "").toLowerCase();

/** Whoever is told something has done nothing, so these are no user's. */
export const notificationFacts = [
  mapping(NotificationSentSchema, ({ topic, channel, provider, sentAt }) => [
    {
      metric: "notifications_sent",
      at: sentAt,
      properties: { topic, channel: channelName(channel), provider },
    },
  ]),
  mapping(NotificationFailedSchema, ({ topic, channel, provider, reason, failedAt }) => [
    {
      metric: "notifications_failed",
      at: failedAt,
      properties: { topic, channel: channelName(channel), provider, reason },
    },
  ]),
];
