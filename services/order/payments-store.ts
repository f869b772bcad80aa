import type { Query } from "#mesh";
import type { PaymentState } from "./order-state.ts";

export async function paymentsOf(query: Query, orderId: string): Promise<PaymentState[]> {
  return query<PaymentState[]>`
    select payment_id as id, charged, refunded, in_full from order_payments
    where order_id = ${orderId} order by payment_id`;
}

export async function savePayment(
  query: Query,
  orderId: string,
  { id, ...known }: PaymentState,
): Promise<void> {
  const row = { orderId, paymentId: id, ...known };
  await query`
    insert into order_payments ${query(row)}
    on conflict (order_id, payment_id) do update set ${query(known)}`;
}
