import { Channel } from "#gen/notification/v1/notification_pb.js";

export type ChannelName = "email" | "sms" | "push" | "in_app";

const shown: Readonly<Record<ChannelName, Channel>> = {
  email: Channel.EMAIL,
  sms: Channel.SMS,
  push: Channel.PUSH,
  in_app: Channel.IN_APP,
};

export const channelNames = Object.keys(shown) as readonly ChannelName[];

export const toChannel = (name: ChannelName): Channel => shown[name];

/** In an order of their own, without those that say nothing. */
export const channelsOf = (channels: readonly Channel[]): ChannelName[] =>
  channelNames.filter((name) => channels.includes(shown[name]));
