import type { CallOptions } from "@connectrpc/connect";
import type { Segment } from "#gen/broadcast/v1/broadcast_pb.js";
import type { Query } from "#mesh";
import { customersAmong, pageOfCustomers } from "./customers-store.ts";
import type { Peers } from "./peers.ts";
import { customerFilter, userFilter } from "./segment.ts";

/** Users that are looked at in one go. */
export const pageOfUsers = 500;

const askTimeoutMs = 10_000;

export interface Audience {
  readonly ownerId: string;
  /** Whether it reaches others than those who bought from the owner. */
  readonly everybody: boolean;
  /** Without the users that it names. */
  readonly segment: Segment;
  /** Those, behind one of them, in order; nothing when it names none. */
  readonly chosen: ((after: string | null, limit: number) => Promise<readonly string[]>) | undefined;
}

export interface Page {
  readonly userIds: readonly string[];
  /** The last user that was looked at; nothing when there was none. */
  readonly last: string | undefined;
  readonly isLast: boolean;
}

export const onlyCustomers = ({ everybody, segment }: Audience): boolean =>
  !everybody || segment.customers !== undefined;

/**
 * The audience page by page, in the order of the users' ids. Whoever is named or
 * has bought goes through the user service all the same: filters and accounts
 * that are gone are its to know.
 */
export function createPages({ sql, users }: { sql: Query; users: Peers["users"] }) {
  return async (audience: Audience, after: string | null, signal?: AbortSignal): Promise<Page> => {
    const { ownerId, segment, chosen } = audience;
    const filter = userFilter(segment);
    const limit = pageOfUsers;
    const means: CallOptions = { timeoutMs: askTimeoutMs, ...(signal && { signal }) };
    const restricted = onlyCustomers(audience);

    if (!chosen && !restricted) {
      const page = await users.selectUsers({ filter, afterId: after ?? "", limit }, means);
      return { userIds: page.userIds, last: page.lastId || undefined, isLast: page.isLast };
    }
    const customers = customerFilter(segment.customers);
    const looked = chosen
      ? await chosen(after, limit)
      : await pageOfCustomers(sql, ownerId, customers, { after, limit });
    const asked =
      chosen && restricted && looked.length > 0
        ? await customersAmong(sql, ownerId, customers, looked)
        : looked;
    // Asking for none would be asking for all.
    const userIds =
      asked.length === 0
        ? []
        : (await users.selectUsers({ filter, userIds: [...asked], limit }, means)).userIds;
    return { userIds, last: looked.at(-1), isLast: looked.length < limit };
  };
}

export type Pages = ReturnType<typeof createPages>;
