import type { Query } from "#mesh";
import { only } from "#mesh";

export type State = "pending" | "succeeded" | "failed";

export interface PaymentRow {
  readonly id: string;
  readonly orderId: string;
  readonly orderNumber: string;
  readonly customerId: string;
  readonly sellerId: string;
  readonly state: State;
  readonly surplus: boolean;
  readonly currency: string;
  readonly amount: bigint;
  readonly refunded: bigint;
  /** What others were told of. */
  readonly toldRefunded: bigint;
  readonly refunding: bigint;
  readonly provider: string;
  readonly providerReference: string;
  readonly method: "card" | "mobile_money";
  readonly source: string | null;
  readonly methodLabel: string;
  readonly failureCode: string;
  readonly failureMessage: string;
  readonly requestHash: Uint8Array | null;
  readonly askedAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewPayment {
  readonly id: string;
  readonly orderId: string;
  readonly orderNumber: string;
  readonly customerId: string;
  readonly sellerId: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly provider: string;
  readonly method: "card" | "mobile_money";
  readonly source: string;
  readonly methodLabel: string;
  readonly idempotencyKey: string | null;
  readonly requestHash: Uint8Array | null;
  readonly askedAt: Date;
  readonly nextTryAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = (query: Query) => query`
  id, order_id, order_number, customer_id, seller_id, state, surplus, currency, amount, refunded, told_refunded, refunding, provider,
  provider_reference, method, source, method_label, failure_code, failure_message, request_hash, asked_at,
  created_at, updated_at`;

export async function insertPayment(tx: Query, payment: NewPayment): Promise<PaymentRow> {
  return only(
    await tx<PaymentRow[]>`
      insert into payments ${tx({ ...payment, state: "pending" })} returning ${columns(tx)}`,
  );
}

export async function findPayment(query: Query, id: string): Promise<PaymentRow | undefined> {
  const [row] = await query<PaymentRow[]>`select ${columns(query)} from payments where id = ${id}`;
  return row;
}

export async function findPaymentByKey(
  query: Query,
  customerId: string,
  key: string,
): Promise<PaymentRow | undefined> {
  const [row] = await query<PaymentRow[]>`
    select ${columns(query)} from payments where customer_id = ${customerId} and idempotency_key = ${key}`;
  return row;
}

export async function lockPayment(tx: Query, id: string): Promise<PaymentRow | undefined> {
  const [row] = await tx<PaymentRow[]>`select ${columns(tx)} from payments where id = ${id} for update`;
  return row;
}

/** Those of an order that were not in vain, held until the transaction ends. */
export async function lockPaymentsOf(tx: Query, orderId: string): Promise<PaymentRow[]> {
  return tx<PaymentRow[]>`
    select ${columns(tx)} from payments where order_id = ${orderId} and state <> 'failed' order by id for update`;
}

/** The one that pays the order, or is to. */
export async function livePayment(tx: Query, orderId: string): Promise<PaymentRow | undefined> {
  const [row] = await tx<PaymentRow[]>`
    select ${columns(tx)} from payments where order_id = ${orderId} and state <> 'failed' and not surplus`;
  return row;
}

export interface PaymentFilter {
  readonly orderId: string | undefined;
  readonly customerId: string | undefined;
  /** Whose they must be, as customer or seller. */
  readonly partyId: string | undefined;
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function listPayments(query: Query, filter: PaymentFilter): Promise<PaymentRow[]> {
  const { orderId, customerId, partyId, beforeId, limit } = filter;
  return query<PaymentRow[]>`
    select ${columns(query)} from payments
    where true
      ${orderId === undefined ? query`` : query`and order_id = ${orderId}`}
      ${customerId === undefined ? query`` : query`and customer_id = ${customerId}`}
      ${partyId === undefined ? query`` : query`and (customer_id = ${partyId} or seller_id = ${partyId})`}
      ${beforeId === undefined ? query`` : query`and id < ${beforeId}`}
    order by id desc
    limit ${limit}`;
}

export interface PaymentChange {
  readonly state?: State;
  readonly surplus?: boolean;
  readonly providerReference?: string;
  readonly methodLabel?: string;
  readonly source?: null;
  readonly failureCode?: string;
  readonly failureMessage?: string;
  readonly refunded?: bigint;
  readonly toldRefunded?: bigint;
  readonly refunding?: bigint;
  readonly nextTryAt?: Date | null;
  readonly updatedAt: Date;
}

export async function savePayment(tx: Query, id: string, change: PaymentChange): Promise<void> {
  await tx`update payments set ${tx({ ...change })} where id = ${id}`;
}

/** The provider is about to be asked for the money again. */
export async function notePaymentAsked(query: Query, id: string, now: Date): Promise<void> {
  await query`update payments set asked_at = ${now} where id = ${id} and state = 'pending'`;
}

/** The provider is to be asked now what has become of it. Tells whether there is such a payment. */
export async function hurryPayment(
  query: Query,
  which: { id: string } | { provider: string; reference: string },
  now: Date,
): Promise<boolean> {
  const { count } = await query`
    update payments set next_try_at = ${now}, tries = 0
    where state in ('pending', 'failed') and ${
      "id" in which
        ? query`id = ${which.id}`
        : query`provider = ${which.provider} and provider_reference = ${which.reference}`
    }`;
  return count > 0;
}

/** Those of an order that are under way. */
export async function pendingPaymentsOf(query: Query, orderId: string): Promise<readonly { id: string }[]> {
  return query<{ id: string }[]>`
    select id from payments where order_id = ${orderId} and state = 'pending' order by id`;
}
