import type { Query } from "#mesh";
import type { Entry } from "./order-state.ts";
import type { Actor, Status } from "./status.ts";

export interface HistoryRow {
  readonly status: Status;
  readonly reason: string;
  readonly said: string;
  readonly by: Actor;
  readonly at: Date;
}

/** @param said What somebody wrote about it. */
export async function addHistory(
  query: Query,
  orderId: string,
  entries: readonly Entry[],
  said: string,
  at: Date,
): Promise<void> {
  for (const { status, reason, by } of entries) {
    await query`insert into order_history ${query({ orderId, status, reason, said, by, at })}`;
  }
}

export async function historyOf(query: Query, orderId: string): Promise<HistoryRow[]> {
  return query<HistoryRow[]>`
    select status, reason, said, by, at from order_history where order_id = ${orderId} order by place`;
}
