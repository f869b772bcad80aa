import type { Query } from "#mesh";
import type { Move, StockRow } from "./stock-moves.ts";

/** As numbers: a stock stays far below what they hold exactly. */
const columns = (query: Query) => query`
  s.variant_id, s.product_id, s.seller_id, s.available::float8, s.reserved::float8, s.sold::float8,
  s.returned::float8, s.low_stock_threshold, s.updated_at`;

/** Of the variants that a product has now, in their order. */
export async function stocksOf(query: Query, productId: string): Promise<StockRow[]> {
  return query<StockRow[]>`
    select ${columns(query)} from stocks s join variants v on v.id = s.variant_id
    where v.product_id = ${productId} and v.removed_at is null order by v.position`;
}

export async function lockStock(query: Query, variantId: string): Promise<StockRow | undefined> {
  const [row] = await query<StockRow[]>`
    select ${columns(query)} from stocks s where variant_id = ${variantId} for update`;
  return row;
}

export async function addStocks(
  query: Query,
  rows: readonly Pick<StockRow, "variantId" | "productId" | "sellerId" | "updatedAt">[],
): Promise<void> {
  if (rows.length > 0) await query`insert into stocks ${query(rows.map((row) => ({ ...row })))}`;
}

export async function saveThreshold(query: Query, variantId: string, threshold: number, at: Date) {
  await query`
    update stocks set low_stock_threshold = ${threshold}, updated_at = ${at} where variant_id = ${variantId}`;
}

export interface Outcome {
  /** Whether all was moved; otherwise nothing was, since there was not enough of something. */
  readonly done: boolean;
  /** The stocks as they were before. */
  readonly before: readonly StockRow[];
}

/**
 * Makes all moves and notes them, or none. One statement, so that the stocks are
 * locked for as short as can be; and in the order of their ids, so that no two
 * wait for each other. Each is read once it is locked, so what is seen is what
 * is changed: from what it was when the statement began, PostgreSQL would reckon
 * first, and refuse what is below zero, before it saw that others had changed it.
 */
export async function moveStocks(tx: Query, moves: readonly Move[], at: Date): Promise<Outcome> {
  if (moves.length === 0) return { done: true, before: [] };
  const all = <K extends keyof Move>(field: K) => moves.map((move) => move[field]);
  const rows = await tx<(StockRow & { done: boolean })[]>`
    with moves as materialized (
      select * from unnest(
        ${all("variantId")}::uuid[], ${all("kind")}::text[], ${all("orderId")}::uuid[],
        ${all("available")}::bigint[], ${all("reserved")}::bigint[], ${all("sold")}::bigint[],
        ${all("returned")}::bigint[]
      ) with ordinality as m (variant_id, kind, order_id, available, reserved, sold, returned, n)),
    totals as materialized (
      select variant_id, sum(available) as available, sum(reserved) as reserved, sum(sold) as sold,
        sum(returned) as returned
      from moves group by variant_id),
    locked as materialized (
      select s.* from stocks s where s.variant_id in (select variant_id from totals)
      order by s.variant_id for update),
    judged as materialized (
      select count(*) = count(l.variant_id) and bool_and(l.available + t.available >= 0) as done
      from totals t left join locked l using (variant_id)),
    changed as (
      update stocks s set available = l.available + t.available, reserved = l.reserved + t.reserved,
        sold = l.sold + t.sold, returned = l.returned + t.returned, updated_at = ${at}
      from locked l join totals t using (variant_id), judged
      where s.variant_id = l.variant_id and judged.done),
    noted as (
      insert into stock_movements (variant_id, kind, order_id, available, reserved, sold, returned, at)
      select m.variant_id, m.kind, m.order_id, m.available, m.reserved, m.sold, m.returned, ${at}::timestamptz
      from moves m, judged where judged.done order by m.n)
    select ${columns(tx)}, judged.done from judged left join locked s on true`;
  return {
    done: rows[0]?.done ?? false,
    before: rows.flatMap(({ done, ...row }) => (row.variantId ? [row] : [])),
  };
}
