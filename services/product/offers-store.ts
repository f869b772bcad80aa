import type { Query } from "#mesh";
import type { ProductStatus } from "./products-store.ts";

/** A variant as somebody who orders meets it. */
export interface Offer {
  readonly variantId: string;
  readonly productId: string;
  readonly sellerId: string;
  readonly productName: string;
  readonly variantName: string;
  readonly sku: string;
  readonly unitPrice: bigint;
  readonly currency: string;
  readonly status: ProductStatus;
  readonly available: number;
}

/** All variants of these products, and these variants; without what is no more. */
export async function findOffers(
  query: Query,
  productIds: readonly string[],
  variantIds: readonly string[],
): Promise<Offer[]> {
  return query<Offer[]>`
    select v.id as variant_id, p.id as product_id, p.seller_id, p.name as product_name, v.name as variant_name,
      v.sku, coalesce(v.price, p.price) as unit_price, p.currency, p.status, s.available::float8
    from variants v join products p on p.id = v.product_id join stocks s on s.variant_id = v.id
    where v.id in (
        select id from variants where product_id = any(${[...productIds]}::uuid[]) and removed_at is null
        union select unnest(${[...variantIds]}::uuid[]))
      and v.removed_at is null and p.deleted_at is null`;
}
