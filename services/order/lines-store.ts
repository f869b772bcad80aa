import type { Query } from "#mesh";
import type { HeldLine } from "./pricing.ts";

/** A line as it was asked for: the product service knows which variant is meant. */
export interface WantedLine {
  readonly productId: string;
  readonly variantId: string;
  readonly quantity: number;
}

export interface LineRow {
  readonly orderId: string;
  readonly productId: string | null;
  readonly variantId: string | null;
  readonly quantity: number;
  readonly productName: string;
  readonly variantName: string;
  readonly sku: string;
  readonly unitPrice: bigint | null;
}

export async function insertLines(
  query: Query,
  orderId: string,
  lines: readonly WantedLine[],
): Promise<void> {
  await query`
    insert into order_lines (order_id, place, product_id, variant_id, quantity)
    select ${orderId}, place, nullif(product, '')::uuid, nullif(variant, '')::uuid, quantity
    from unnest(
      ${lines.map(({ productId }) => productId)}::text[],
      ${lines.map(({ variantId }) => variantId)}::text[],
      ${lines.map(({ quantity }) => quantity)}::int[]
    ) with ordinality as line (product, variant, quantity, place)`;
}

/** Writes what they are and cost, in the order in which they were asked for. */
export async function priceLines(query: Query, orderId: string, lines: readonly HeldLine[]): Promise<void> {
  const all = <T>(of: (line: HeldLine) => T) => lines.map(of);
  await query`
    update order_lines l set
      product_id = h.product_id, variant_id = h.variant_id, product_name = h.product_name,
      variant_name = h.variant_name, sku = h.sku, unit_price = h.unit_price
    from unnest(
      ${all(({ productId }) => productId)}::uuid[],
      ${all(({ variantId }) => variantId)}::uuid[],
      ${all(({ productName }) => productName)}::text[],
      ${all(({ variantName }) => variantName)}::text[],
      ${all(({ sku }) => sku)}::text[],
      ${all(({ unitPrice }) => unitPrice.minorUnits.toString())}::bigint[]
    ) with ordinality as h (product_id, variant_id, product_name, variant_name, sku, unit_price, place)
    where l.order_id = ${orderId} and l.place = h.place`;
}

export async function linesOf(query: Query, orderIds: readonly string[]): Promise<LineRow[]> {
  if (orderIds.length === 0) return [];
  return query<LineRow[]>`
    select order_id, product_id, variant_id, quantity, product_name, variant_name, sku, unit_price
    from order_lines where order_id = any(${orderIds as string[]}::uuid[]) order by order_id, place`;
}
