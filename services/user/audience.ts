import type { AudienceService, UserFilter } from "#gen/user/v1/audience_pb.js";
import type { Database, Handlers } from "#mesh";
import { canonicalId, cleanText, timeOf } from "#mesh";
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
