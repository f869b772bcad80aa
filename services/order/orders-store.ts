import type { Query } from "#mesh";
import { lockNamed, only } from "#mesh";
import type { OrderState, Step } from "./order-state.ts";
import type { Status } from "./status.ts";

export interface Delivery {
  readonly name: string;
  readonly lines: readonly string[];
  readonly city: string;
  readonly postalCode: string;
  readonly country: string;
  readonly phone: string;
}

/** An error as it was given, to be given again. */
export interface Failure {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface OrderRow {
  readonly id: string;
  readonly number: string;
  readonly customerId: string;
  readonly sellerId: string | null;
  readonly status: Status;
  readonly reason: string;
  readonly currency: string | null;
  readonly total: bigint | null;
  readonly refunded: bigint;
  readonly expectedCurrency: string | null;
  readonly expectedTotal: bigint | null;
  readonly paymentId: string | null;
  readonly payBy: Date;
  readonly delivery: Delivery | null;
  readonly note: string;
  readonly requestHash: Uint8Array | null;
  readonly failure: Failure | null;
  readonly due: Step[];
  readonly round: number;
  readonly tries: number;
  readonly nextTryAt: Date | null;
  readonly failingSince: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewOrder {
  readonly id: string;
  readonly number: string;
  readonly customerId: string;
  readonly expectedCurrency: string | null;
  readonly expectedTotal: bigint | null;
  readonly delivery: Delivery | null;
  readonly note: string;
  readonly idempotencyKey: string | null;
  readonly requestHash: Uint8Array;
  readonly payBy: Date;
  readonly nextTryAt: Date;
  readonly createdAt: Date;
}

/** Puts it in, its stock to be reserved; nothing when its number or its key is there already. */
export async function insertOrder(query: Query, order: NewOrder): Promise<OrderRow | undefined> {
  const { id, number, customerId, expectedCurrency, expectedTotal, note, idempotencyKey } = order;
  const { payBy, nextTryAt, createdAt } = order;
  const delivery = order.delivery && query.json({ ...order.delivery });
  const hash = idempotencyKey === null ? null : Buffer.from(order.requestHash);
  const [row] = await query<OrderRow[]>`
    insert into orders (id, number, customer_id, status, expected_currency, expected_total, delivery, note,
      idempotency_key, request_hash, pay_by, due, round, tries, next_try_at, created_at, updated_at)
    values (${id}, ${number}, ${customerId}, 'pending', ${expectedCurrency}, ${expectedTotal}, ${delivery}, ${note},
      ${idempotencyKey}, ${hash}, ${payBy}, array['reserve'], 1, 1, ${nextTryAt}, ${createdAt}, ${createdAt})
    on conflict do nothing
    returning *`;
  return row;
}

/** Until the end of the transaction no other places an order for this customer. */
export const lockCustomer = (tx: Query, customerId: string): Promise<void> =>
  lockNamed(tx, `orders of ${customerId}`);

export async function countUnpaid(query: Query, customerId: string): Promise<number> {
  const [row] = await query<{ count: number }[]>`
    select count(*)::int as count from orders
    where customer_id = ${customerId} and status in ('pending', 'awaiting_payment')`;
  return row?.count ?? 0;
}

export async function findOrder(query: Query, id: string): Promise<OrderRow | undefined> {
  const [row] = await query<OrderRow[]>`select * from orders where id = ${id}`;
  return row;
}

export async function findOrderByKey(
  query: Query,
  customerId: string,
  key: string,
): Promise<OrderRow | undefined> {
  const [row] = await query<OrderRow[]>`
    select * from orders where customer_id = ${customerId} and idempotency_key = ${key}`;
  return row;
}

export async function lockOrder(query: Query, id: string): Promise<OrderRow | undefined> {
  const [row] = await query<OrderRow[]>`select * from orders where id = ${id} for no key update`;
  return row;
}

export interface Saved {
  readonly state: OrderState;
  readonly refunded: bigint;
  readonly sellerId: string | null;
  readonly failure: Failure | null;
  /** When what is due is to be tried; left as it is when it is the same round as before. */
  readonly firstTry: { readonly at: Date; readonly tries: number } | undefined;
  readonly now: Date;
}

export async function saveOrder(query: Query, id: string, saved: Saved): Promise<OrderRow> {
  const { state, refunded, sellerId, failure, firstTry, now } = saved;
  const { status, due, round, reason, payByMs, total, paymentId } = state;
  return only(
    await query<OrderRow[]>`
      update orders set
        status = ${status}, due = ${due as Step[]}::text[], round = ${round}, reason = ${reason},
        pay_by = ${new Date(payByMs)}, currency = ${total?.currency ?? null}, total = ${total?.minorUnits ?? null},
        payment_id = ${paymentId}, refunded = ${refunded}, seller_id = ${sellerId},
        failure = ${failure && query.json({ ...failure })},
        ${
          due.length === 0
            ? query`tries = 0, next_try_at = null, failing_since = null,`
            : firstTry
              ? query`tries = ${firstTry.tries}, next_try_at = ${firstTry.at}, failing_since = null,`
              : query``
        }
        updated_at = ${now}
      where id = ${id}
      returning *`,
  );
}

export interface OrderFilter {
  readonly customerId: string | undefined;
  readonly sellerId: string | undefined;
  readonly status: Status | undefined;
  readonly createdAfter: Date | undefined;
  readonly createdBefore: Date | undefined;
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Newest first, as ids sort by time. */
export async function listOrders(query: Query, filter: OrderFilter): Promise<OrderRow[]> {
  const { customerId, sellerId, status, createdAfter, createdBefore, beforeId, limit } = filter;
  return query<OrderRow[]>`
    select * from orders
    where true
      ${customerId === undefined ? query`` : query`and customer_id = ${customerId}`}
      ${sellerId === undefined ? query`` : query`and seller_id = ${sellerId}`}
      ${status === undefined ? query`` : query`and status = ${status}`}
      ${createdAfter === undefined ? query`` : query`and created_at > ${createdAfter}`}
      ${createdBefore === undefined ? query`` : query`and created_at < ${createdBefore}`}
      ${beforeId === undefined ? query`` : query`and id < ${beforeId}`}
    order by id desc
    limit ${limit}`;
}

/** The order stays, for its books; who it was for is forgotten, with what she wrote. */
export async function forgetCustomer(query: Query, customerId: string): Promise<void> {
  await query`
    update orders set delivery = null, note = '', idempotency_key = null, request_hash = null
    where customer_id = ${customerId}`;
  await query`
    update order_history set said = ''
    where said <> '' and order_id in (select id from orders where customer_id = ${customerId})`;
}
