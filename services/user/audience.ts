import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { AudienceService, UserFilter } from "#gen/user/v1/audience_pb.js";
import type { Database, Handlers } from "#mesh";
import { canonicalId, cleanText, fail } from "#mesh";
import type { AudienceFilter } from "./audience-store.ts";
import { countAudience, selectAudience } from "./audience-store.ts";

const usualLimit = 500;

/** Ids alone, for services: whoever wants to know more of a user asks for it one by one. */
export function audience({ db }: { db: Database }): Handlers<typeof AudienceService> {
  return {
    async selectUsers({ filter, userIds, afterId, limit }) {
      const place = { afterId: afterId === "" ? undefined : afterId, limit: limit || usualLimit };
      const page = await selectAudience(db.sql, filterOf(filter, userIds), place);
      return { userIds: [...page.userIds], lastId: page.lastId ?? "", isLast: page.isLast };
    },

    async countUsers({ filter, userIds }) {
      return { count: await countAudience(db.sql, filterOf(filter, userIds)) };
    },
  };
}

const filterOf = (filter: UserFilter | undefined, userIds: readonly string[]): AudienceFilter => ({
  locales: (filter?.locales ?? []).map((locale) => locale.toLowerCase()),
  timeZones: (filter?.timeZones ?? []).map(cleanText),
  registeredAfter: timeOf("registered_after", filter?.registeredAfter),
  registeredBefore: timeOf("registered_before", filter?.registeredBefore),
  seenAfter: timeOf("seen_after", filter?.seenAfter),
  seenBefore: timeOf("seen_before", filter?.seenBefore),
  ids: userIds.map(canonicalId),
});

const [year1Ms, year10000Ms] = [Date.parse("0001-01-01T00:00:00Z"), Date.parse("+010000-01-01T00:00:00Z")];

/** What PostgreSQL and JavaScript both take for a time. */
function timeOf(field: string, timestamp: Timestamp | undefined): Date | undefined {
  if (!timestamp) return undefined;
  const time = timestampDate(timestamp);
  if (time.getTime() >= year1Ms && time.getTime() < year10000Ms) return time;
  throw fail.invalid("bad_time", `${field} is not a time of the years 1 to 9999`);
}
