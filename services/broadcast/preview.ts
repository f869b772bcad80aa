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
  /** Too few to be told of. */
  readonly few: boolean;
}

type Seen = Omit<Preview, "few">;

const mostShown = 10;
/** Fewer tell of single users what the owner does not know of them. */
const leastTold = 20;
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
  /** The first few and how many there are, page by page until that is enough. */
  const walk = async (
    audience: Audience,
    signal: AbortSignal,
    isEnough: (count: number) => boolean = () => false,
  ): Promise<Seen> => {
    const userIds: string[] = [];
    let count = 0;
    let after: string | null = null;
    for (let looked = 0; looked < mostLooked && !isEnough(count); looked += pageOfUsers) {
      const page = await pages(audience, after, signal);
      count += page.userIds.length;
      userIds.push(...page.userIds.slice(0, mostShown - userIds.length));
      if (page.isLast || page.last === undefined) return { count: BigInt(count), userIds, more: false };
      after = page.last;
    }
    return { count: BigInt(count), userIds, more: true };
  };

  const look = async (audience: Audience, signal: AbortSignal): Promise<Seen> => {
    const { ownerId, segment, chosen } = audience;
    const filter = userFilter(segment);
    const isCounted = !chosen && (!onlyCustomers(audience) || isOpen(filter));
    if (!isCounted) return walk(audience, signal);
    const [count, { userIds }] = await Promise.all([
      onlyCustomers(audience)
        ? countCustomers(sql, ownerId, customerFilter(segment.customers))
        : users.countUsers({ filter }, { signal }).then((it) => it.count),
      walk(audience, signal, (found) => found >= mostShown),
    ]);
    return { count, userIds, more: false };
  };

  return async (audience, signal) => {
    const seen = await look(audience, signal);
    const isTold = audience.everybody || (!audience.chosen && isOpen(userFilter(audience.segment)));
    if (isTold || seen.count >= leastTold) return { ...seen, few: false };
    return { count: 0n, userIds: [], more: seen.more, few: true };
  };
}
