import type { Query } from "#mesh";

export interface VariantRow {
  readonly id: string;
  readonly productId: string;
  readonly sellerId: string;
  readonly position: number;
  readonly sku: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly price: bigint | null;
}

/** What is shown of a variant. */
export interface ShownVariant extends VariantRow {
  readonly inStock: boolean;
}

export const uniqueSku = "variants_sku_unique";

/** What these products have now, in order. */
export async function variantsOf(query: Query, productIds: readonly string[]): Promise<ShownVariant[]> {
  return query<ShownVariant[]>`
    select v.id, v.product_id, v.seller_id, v.position, v.sku, v.name, v.attributes, v.price,
      s.available > 0 as in_stock
    from variants v join stocks s on s.variant_id = v.id
    where v.product_id = any(${[...productIds]}::uuid[]) and v.removed_at is null
    order by v.product_id, v.position`;
}

export async function removeVariants(tx: Query, ids: readonly string[], at: Date): Promise<void> {
  await tx`update variants set removed_at = ${at} where id = any(${[...ids]}::uuid[]) and removed_at is null`;
}

/** Those that are there take what they are given, those that are not are made. */
export async function saveVariants(tx: Query, rows: readonly VariantRow[]): Promise<void> {
  if (rows.length === 0) return;
  // Two may change their skus with each other, which the index would not see the end of.
  await tx`update variants set sku = '' where id = any(${rows.map(({ id }) => id)}::uuid[]) and sku <> ''`;
  const values = rows.map((row) => ({ ...row, attributes: tx.json(row.attributes) }));
  await tx`
    insert into variants ${tx(values as never)}
    on conflict (id) do update set position = excluded.position, sku = excluded.sku, name = excluded.name,
      attributes = excluded.attributes, price = excluded.price`;
}
