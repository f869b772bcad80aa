import { Channel } from "#gen/notification/v1/notification_pb.js";

const shown: Readonly<Record<string, Channel>> = {
  email: Channel.EMAIL,
  sms: Channel.SMS,
  push: Channel.PUSH,
  in_app: Channel.IN_APP,
};

/** As they are kept, always in the same order. */
export const channelsToKeep = (channels: readonly Channel[]): string[] =>
  Object.keys(shown).filter((name) => channels.includes(shown[name] ?? Channel.UNSPECIFIED));

export const channelsToSend = (names: readonly string[]): Channel[] =>
  names.flatMap((name) => shown[name] ?? []);
