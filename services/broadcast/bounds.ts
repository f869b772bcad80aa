import type { Segment } from "#gen/broadcast/v1/broadcast_pb.js";
import type { UserIdentity } from "#mesh";
import { leadsInside } from "./links.ts";
import {
  channelsForAdmins,
  filterForAdmins,
  linkForAdmins,
  templateForAdmins,
  topicReserved,
} from "./refusals.ts";
import { isAdmin } from "./rights.ts";
import { isOpen, userFilter } from "./segment.ts";

/**
 * The one that is not the platform's. A list of those that are would be evaded
 * by names that look like them, and whoever unsubscribes by names that are new.
 */
const openTopic = "news";

export interface Bounded {
  readonly topic: string;
  readonly segment: Segment;
  readonly hasTemplate: boolean;
  readonly channels: readonly unknown[];
  readonly link: string;
}

/** Whoever has no `broadcast:admin` does not speak with the platform's voice. */
export function requireWithinBounds(user: UserIdentity, asked: Bounded): void {
  if (isAdmin(user)) return;
  const { topic, segment, hasTemplate, channels, link } = asked;
  if (topic !== openTopic) throw topicReserved(topic, openTopic);
  if (hasTemplate) throw templateForAdmins();
  requireOpenFilter(user, segment);
  // What each wants decides: one that is chosen costs money, and tells who cannot be reached on it.
  if (channels.length > 0) throw channelsForAdmins();
  if (!leadsInside(link)) throw linkForAdmins();
}

/** Who reads which language, lives where, or was seen when is told to nobody but admins, be it by counting. */
export function requireOpenFilter(user: UserIdentity, segment: Segment): void {
  if (!isAdmin(user) && !isOpen(userFilter(segment))) throw filterForAdmins();
}
