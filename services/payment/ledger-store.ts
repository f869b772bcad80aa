import type { Query } from "#mesh";
import { newId } from "#mesh";

export interface EntryRow {
  readonly id: string;
  readonly transactionId: string;
  readonly account: string;
  readonly currency: string;
  readonly minorUnits: bigint;
  readonly paymentId: string;
  readonly orderId: string;
  readonly kind: string;
  readonly createdAt: Date;
}

export interface BalanceRow {
  readonly account: string;
  readonly currency: string;
  readonly minorUnits: bigint;
}

/** What moved between the provider, who holds the money, and the seller, whose it is. */
export interface Movement {
  readonly kind: "charge" | "refund" | "refund_back";
  readonly paymentId: string;
  readonly refundId: string | null;
  readonly orderId: string;
  readonly sellerId: string;
  readonly provider: string;
  readonly currency: string;
  readonly amount: bigint;
}

/** Books a movement; what is at the provider is owed to the seller. */
export async function book(tx: Query, movement: Movement, nowMs: number): Promise<void> {
  const { kind, paymentId, refundId, orderId, sellerId, provider, currency, amount } = movement;
  const transactionId = newId(nowMs);
  const createdAt = new Date(nowMs);
  const into = kind === "refund" ? -amount : amount;
  await tx`insert into ledger_transactions ${tx({ id: transactionId, kind, paymentId, refundId, orderId, createdAt })}`;
  const entry = { transactionId, currency };
  await tx`insert into ledger_entries ${tx([
    { id: newId(nowMs), ...entry, account: `provider:${provider}`, minorUnits: into },
    { id: newId(nowMs), ...entry, account: `seller:${sellerId}`, minorUnits: -into },
  ])}`;
}

export interface EntryFilter {
  readonly account: string | undefined;
  readonly paymentId: string | undefined;
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function listEntries(query: Query, filter: EntryFilter): Promise<EntryRow[]> {
  const { account, paymentId, beforeId, limit } = filter;
  return query<EntryRow[]>`
    select e.id, e.transaction_id, e.account, e.currency, e.minor_units,
      t.payment_id, t.order_id, t.kind, t.created_at
    from ledger_entries e join ledger_transactions t on t.id = e.transaction_id
    where true
      ${account === undefined ? query`` : query`and e.account = ${account}`}
      ${paymentId === undefined ? query`` : query`and t.payment_id = ${paymentId}`}
      ${beforeId === undefined ? query`` : query`and e.id < ${beforeId}`}
    order by e.id desc
    limit ${limit}`;
}

/** Most accounts that one answer names. */
const mostAccounts = 10_000;

export async function balances(query: Query, prefix: string): Promise<BalanceRow[]> {
  return query<BalanceRow[]>`
    select account, currency, sum(minor_units)::bigint as minor_units from ledger_entries
    where starts_with(account, ${prefix})
    group by account, currency
    order by account, currency
    limit ${mostAccounts}`;
}

/** Whether all accounts together come to nothing, in each currency. */
export async function isBalanced(query: Query): Promise<boolean> {
  const rows = await query`
    select 1 from ledger_entries group by currency having sum(minor_units) <> 0 limit 1`;
  return rows.length === 0;
}
