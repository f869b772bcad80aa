import type { Segment } from "#gen/broadcast/v1/broadcast_pb.js";
import type { UserIdentity } from "#mesh";
import { filterForAdmins, templateForAdmins, topicReserved } from "./refusals.ts";
import { isAdmin } from "./rights.ts";

/** On which the platform itself speaks; `default` is what users have said of all others. */
const platformTopics: ReadonlySet<string> = new Set(["orders", "stock", "security", "analytics", "default"]);

export interface Bounded {
  readonly topic: string;
  readonly segment: Segment;
  readonly hasTemplate: boolean;
}

/** Whoever has no `broadcast:admin` does not speak with the platform's voice. */
export function requireWithinBounds(user: UserIdentity, { topic, segment, hasTemplate }: Bounded): void {
  if (isAdmin(user)) return;
  if (platformTopics.has(topic)) throw topicReserved(topic);
  if (hasTemplate) throw templateForAdmins();
  requireOpenFilter(user, segment);
}

/** When somebody registered or was seen is told to nobody but admins, be it by counting. */
export function requireOpenFilter(user: UserIdentity, { users }: Segment): void {
  const asked = users?.registeredAfter ?? users?.registeredBefore ?? users?.seenAfter ?? users?.seenBefore;
  if (asked && !isAdmin(user)) throw filterForAdmins();
}
