import type { Query } from "#mesh";
import type { Audience, Pages } from "./audience.ts";
import { onlyCustomers, pageOfUsers } from "./audience.ts";
import { countCustomers } from "./customers-store.ts";
import type { Peers } from "./peers.ts";
import { customerFilter, isOpen, userFilter } from "./segment.ts";

export interface Preview {
  readonly count: bigint;
  readonly userIds: readonly string[];
  /** There are more than were counted. */
  readonly more: boolean;
}

const mostShown = 10;
/** Of those who cannot be counted by one question: all that a segment can name, twice. */
const mostLooked = 20_000;

/** How many an audience has, as far as that can be counted while somebody waits. */
export function createPreview({
  sql,
  users,
  pages,
}: {
  sql: Query;
  users: Peers["users"];
  pages: Pages;
}): (audience: Audience, signal: AbortSignal) => Promise<Preview> {
  return async (audience, signal) => {
    const { ownerId, segment, chosen } = audience;
    const filter = userFilter(segment);
    if (!chosen && !onlyCustomers(audience)) {
      const [{ count }, { userIds }] = await Promise.all([
        users.countUsers({ filter }, { signal }),
        users.selectUsers({ filter, limit: mostShown }, { signal }),
      ]);
      return { count, userIds, more: false };
    }
    if (!chosen && isOpen(filter)) {
      const [count, { userIds }] = await Promise.all([
        countCustomers(sql, ownerId, customerFilter(segment.customers)),
        pages(audience, null, signal),
      ]);
      return { count, userIds: userIds.slice(0, mostShown), more: false };
    }
    const shown: string[] = [];
    let count = 0;
    let after: string | null = null;
    for (let looked = 0; looked < mostLooked; looked += pageOfUsers) {
      const page = await pages(audience, after, signal);
      count += page.userIds.length;
      shown.push(...page.userIds.slice(0, mostShown - shown.length));
      if (page.isLast || page.last === undefined)
        return { count: BigInt(count), userIds: shown, more: false };
      after = page.last;
    }
    return { count: BigInt(count), userIds: shown, more: true };
  };
}
