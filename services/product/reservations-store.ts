import type { Query } from "#mesh";

export type ReservationState = "held" | "sold" | "released" | "expired";

export interface ReservationRow {
  readonly orderId: string;
  readonly state: ReservationState;
  readonly expiresAt: Date | null;
}

export interface LineRow {
  readonly orderId: string;
  readonly sellerId: string;
  readonly productId: string;
  readonly variantId: string;
  readonly productName: string;
  readonly variantName: string;
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: bigint;
  readonly currency: string;
}

/** Whether there was none yet. Who comes at the same time waits here for the one that is faster. */
export async function claimReservation(tx: Query, row: ReservationRow, at: Date): Promise<boolean> {
  const { count } = await tx`
    insert into reservations ${tx({ ...row, createdAt: at, updatedAt: at })} on conflict (order_id) do nothing`;
  return count > 0;
}

export async function lockReservation(tx: Query, orderId: string): Promise<ReservationRow | undefined> {
  const [row] = await tx<ReservationRow[]>`
    select order_id, state, expires_at from reservations where order_id = ${orderId} for update`;
  return row;
}

/** Some whose time is over, locked; what another replica has locked, it sees to. */
export async function lockExpired(tx: Query, now: Date, limit: number): Promise<string[]> {
  const rows = await tx<{ orderId: string }[]>`
    select order_id from reservations where state = 'held' and expires_at <= ${now}
    order by expires_at limit ${limit} for update skip locked`;
  return rows.map(({ orderId }) => orderId);
}

export async function saveState(tx: Query, orderIds: readonly string[], state: ReservationState, at: Date) {
  await tx`
    update reservations set state = ${state}, updated_at = ${at} where order_id = any(${[...orderIds]}::uuid[])`;
}

export async function insertLines(tx: Query, lines: readonly LineRow[]): Promise<void> {
  await tx`insert into reservation_lines ${tx(lines.map((line, position) => ({ ...line, position })))}`;
}

/** In the order in which they were asked for. */
export async function linesOf(query: Query, orderIds: readonly string[]): Promise<LineRow[]> {
  return query<LineRow[]>`
    select order_id, seller_id, product_id, variant_id, product_name, variant_name, sku, quantity, unit_price, currency
    from reservation_lines where order_id = any(${[...orderIds]}::uuid[]) order by order_id, position`;
}

/** Since when the oldest waits whose time is over. */
export async function oldestDue(query: Query): Promise<Date | undefined> {
  const [row] = await query<{ expiresAt: Date | null }[]>`
    select min(expires_at) as expires_at from reservations where state = 'held'`;
  return row?.expiresAt ?? undefined;
}
