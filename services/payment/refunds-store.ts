import type { Query } from "#mesh";
import { only } from "#mesh";
import type { State } from "./payments-store.ts";

export interface RefundRow {
  readonly id: string;
  readonly paymentId: string;
  readonly orderId: string;
  readonly provider: string;
  readonly state: State;
  readonly currency: string;
  readonly amount: bigint;
  readonly reason: string;
  readonly failureCode: string;
  readonly providerReference: string;
  readonly requestHash: Uint8Array | null;
  readonly askedAt: Date | null;
  readonly nextTryAt: Date | null;
  /** How often somebody took it to look at it; none since it was called for. */
  readonly tries: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewRefund {
  readonly id: string;
  readonly paymentId: string;
  readonly orderId: string;
  readonly provider: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly reason: string;
  readonly requestedBy: string | null;
  readonly idempotencyKey: string | null;
  readonly requestHash: Uint8Array | null;
  readonly nextTryAt: Date;
  /** One where whoever makes it also sees to it. */
  readonly tries: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = (query: Query) => query`
  id, payment_id, order_id, provider, state, currency, amount, reason, failure_code, provider_reference,
  request_hash, asked_at, next_try_at, tries, created_at, updated_at`;

export async function insertRefund(tx: Query, refund: NewRefund): Promise<RefundRow> {
  return only(
    await tx<
      RefundRow[]
    >`insert into refunds ${tx({ ...refund, state: "pending" })} returning ${columns(tx)}`,
  );
}

export async function findRefund(query: Query, id: string): Promise<RefundRow | undefined> {
  const [row] = await query<RefundRow[]>`select ${columns(query)} from refunds where id = ${id}`;
  return row;
}

export async function findRefundByKey(
  query: Query,
  userId: string,
  key: string,
): Promise<RefundRow | undefined> {
  const [row] = await query<RefundRow[]>`
    select ${columns(query)} from refunds where requested_by = ${userId} and idempotency_key = ${key}`;
  return row;
}

export async function lockRefund(tx: Query, id: string): Promise<RefundRow | undefined> {
  const [row] = await tx<RefundRow[]>`select ${columns(tx)} from refunds where id = ${id} for update`;
  return row;
}

/** Oldest first. */
export async function refundsOf(query: Query, paymentId: string): Promise<RefundRow[]> {
  return query<RefundRow[]>`
    select ${columns(query)} from refunds where payment_id = ${paymentId} order by id limit 1000`;
}

/** How many failed already that nobody asked for. */
export async function countFailedRefunds(query: Query, paymentId: string): Promise<number> {
  const { count } = only(
    await query<{ count: number }[]>`
      select count(*)::int as count from refunds
      where payment_id = ${paymentId} and state = 'failed' and requested_by is null`,
  );
  return count;
}

export interface RefundChange {
  readonly state?: State;
  readonly providerReference?: string;
  readonly failureCode?: string;
  readonly nextTryAt?: Date | null;
  readonly updatedAt: Date;
}

export async function saveRefund(tx: Query, id: string, change: RefundChange): Promise<void> {
  await tx`update refunds set ${tx({ ...change })} where id = ${id}`;
}

export async function noteRefundAsked(query: Query, id: string, now: Date): Promise<void> {
  await query`update refunds set asked_at = ${now} where id = ${id} and state = 'pending'`;
}

/** Unless somebody called for it meanwhile. */
export async function putOffLook(query: Query, id: string, at: Date): Promise<void> {
  await query`
    update refunds set next_try_at = ${at} where id = ${id} and state = 'succeeded' and tries > 0`;
}

/** The provider is to be asked now what has become of it. Tells whether there is such a refund. */
export async function hurryRefund(
  query: Query,
  which: { id: string } | { provider: string; reference: string },
  now: Date,
): Promise<boolean> {
  const { count } = await query`
    update refunds set next_try_at = ${now}, tries = 0
    where state <> 'failed' and ${
      "id" in which
        ? query`id = ${which.id}`
        : query`provider = ${which.provider} and provider_reference = ${which.reference}`
    }`;
  return count > 0;
}

/** Those of an order that are under way. */
export async function pendingRefundsOf(query: Query, orderId: string): Promise<readonly { id: string }[]> {
  return query<{ id: string }[]>`
    select r.id from refunds r join payments p on p.id = r.payment_id
    where p.order_id = ${orderId} and r.state = 'pending' order by r.id`;
}
