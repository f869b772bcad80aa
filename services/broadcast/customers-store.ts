import type { Query } from "#mesh";

export interface CustomerFilter {
  readonly leastOrders: number;
  /** Of their last order. */
  readonly after: Date | undefined;
  readonly before: Date | undefined;
}

const matching = (query: Query, ownerId: string, { leastOrders, after, before }: CustomerFilter) => query`
  owner_id = ${ownerId} and orders >= ${leastOrders}
  ${after === undefined ? query`` : query`and last_order_at > ${after}`}
  ${before === undefined ? query`` : query`and last_order_at < ${before}`}`;

/** In the order of their ids. */
export async function pageOfCustomers(
  query: Query,
  ownerId: string,
  filter: CustomerFilter,
  { after, limit }: { after: string | null; limit: number },
): Promise<string[]> {
  const rows = await query<{ userId: string }[]>`
    select user_id from customers
    where ${matching(query, ownerId, filter)} ${after === null ? query`` : query`and user_id > ${after}`}
    order by user_id limit ${limit}`;
  return rows.map(({ userId }) => userId);
}

/** Those of them who are customers. */
export async function customersAmong(
  query: Query,
  ownerId: string,
  filter: CustomerFilter,
  userIds: readonly string[],
): Promise<string[]> {
  const rows = await query<{ userId: string }[]>`
    select user_id from customers
    where ${matching(query, ownerId, filter)} and user_id = any(${userIds as string[]}::uuid[])
    order by user_id`;
  return rows.map(({ userId }) => userId);
}

export async function countCustomers(query: Query, ownerId: string, filter: CustomerFilter): Promise<bigint> {
  const [row] = await query<{ count: bigint }[]>`
    select count(*) as count from customers where ${matching(query, ownerId, filter)}`;
  return row?.count ?? 0n;
}
