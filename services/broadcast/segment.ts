import { create, isFieldSet } from "@bufbuild/protobuf";
import type { Customers, Segment } from "#gen/broadcast/v1/broadcast_pb.js";
import { SegmentSchema } from "#gen/broadcast/v1/broadcast_pb.js";
import type { UserFilter } from "#gen/user/v1/audience_pb.js";
import { UserFilterSchema } from "#gen/user/v1/audience_pb.js";
import { canonicalId, cleanText, timeOf } from "#mesh";
import type { CustomerFilter } from "./customers-store.ts";

/** As it can be kept: with times that there are, text that PostgreSQL takes, and each user once, in order. */
export function cleanSegment(segment: Segment | undefined): Segment {
  const clean = create(SegmentSchema, segment);
  clean.userIds = [...new Set(clean.userIds.map(canonicalId))].sort();
  const { users, customers } = clean;
  if (users) {
    users.timeZones = users.timeZones.map(cleanText);
    timeOf("segment.users.registered_after", users.registeredAfter);
    timeOf("segment.users.registered_before", users.registeredBefore);
    timeOf("segment.users.seen_after", users.seenAfter);
    timeOf("segment.users.seen_before", users.seenBefore);
  }
  customerFilter(customers);
  return clean;
}

export const customerFilter = (customers: Customers | undefined): CustomerFilter => ({
  leastOrders: Math.max(1, customers?.leastOrders ?? 1),
  after: timeOf("segment.customers.ordered_after", customers?.orderedAfter),
  before: timeOf("segment.customers.ordered_before", customers?.orderedBefore),
});

export const userFilter = ({ users }: Segment): UserFilter => users ?? create(UserFilterSchema);

/** Whether all users are meant, as far as the filter goes, whatever there will be to ask for. */
export const isOpen = (filter: UserFilter): boolean =>
  !UserFilterSchema.fields.some((field) => isFieldSet(filter, field));
