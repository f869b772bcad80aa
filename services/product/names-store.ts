import type { Query } from "#mesh";

/** What people call variants and their products, by the ids of the variants. */
export type Names = ReadonlyMap<string, { readonly productName: string; readonly variantName: string }>;

export async function namesOf(query: Query, variantIds: readonly string[]): Promise<Names> {
  const rows = await query<{ id: string; productName: string; variantName: string }[]>`
    select variants.id, products.name as product_name, variants.name as variant_name
    from variants join products on products.id = product_id
    where variants.id = any(${[...variantIds]}::uuid[])`;
  return new Map(rows.map(({ id, ...names }) => [id, names]));
}
