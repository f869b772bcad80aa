import type { ChannelName } from "./channels.ts";
import { channelNames } from "./channels.ts";
import type { Digest } from "./digest-time.ts";
import { digestAt } from "./digest-time.ts";
import type { QuietHours } from "./quiet-hours.ts";
import { quietUntil } from "./quiet-hours.ts";

export interface Wish {
  readonly channels: readonly ChannelName[];
  readonly digest: Digest;
}

export interface PlanInput {
  /** None: those that the user wants. */
  readonly asked: readonly ChannelName[];
  readonly urgent: boolean;
  /** What the user has said of the topic, if anything. */
  readonly wish: Wish | undefined;
  readonly quietHours: QuietHours | undefined;
  readonly timeZone: string;
  readonly nowMs: number;
}

/** What becomes of one way that a notification may go. */
export interface Planned {
  readonly channel: ChannelName;
  readonly status: "queued" | "held" | "delivered" | "skipped";
  readonly reason: "" | "not_wanted" | "quiet_hours" | "digest";
  readonly heldUntil: Date | null;
  readonly digest: boolean;
}

/** Of those who have said nothing. */
export const usualChannels: readonly ChannelName[] = ["email", "in_app"];

export function plan(input: PlanInput): Planned[] {
  const { asked, urgent, wish } = input;
  const wanted = urgent ? usualChannels : (wish?.channels ?? usualChannels);
  const channels = asked.length > 0 ? asked : wanted;
  return channelNames
    .filter((channel) => channels.includes(channel))
    .map((channel) => {
      if (!urgent && wish && !wish.channels.includes(channel)) return way(channel, "skipped", "not_wanted");
      // The list on the page disturbs nobody.
      if (channel === "in_app") return way(channel, "delivered");
      return urgent ? way(channel, "queued") : inTime(channel, input);
    });
}

function inTime(channel: ChannelName, { wish, quietHours, timeZone, nowMs }: PlanInput): Planned {
  const digest = channel === "email" && wish && wish.digest !== "off" ? wish.digest : undefined;
  const dueMs = digest ? digestAt(nowMs, digest, timeZone) : nowMs;
  const untilMs = (quietHours && quietUntil(dueMs, quietHours)) ?? dueMs;
  if (untilMs === nowMs) return way(channel, "queued");
  const held = way(channel, "held", digest ? "digest" : "quiet_hours");
  return { ...held, heldUntil: new Date(untilMs), digest: digest !== undefined };
}

const way = (channel: ChannelName, status: Planned["status"], reason: Planned["reason"] = ""): Planned => ({
  channel,
  status,
  reason,
  heldUntil: null,
  digest: false,
});
