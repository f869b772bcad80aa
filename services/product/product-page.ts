import type { Query } from "#mesh";
import { paged } from "#mesh";
import { beyond, type ListedRow, orderOf, pageKeyOf, sorting } from "./product-orders.ts";
import { productColumns } from "./products-store.ts";

export interface Wanted {
  readonly text: string;
  readonly category: string;
  readonly sellerId: string;
  readonly currency: string;
  readonly minPrice: bigint | undefined;
  readonly maxPrice: bigint | undefined;
  readonly inStock: boolean;
  /** Whose products are shown that are not on sale, too: an id, or everybody's. */
  readonly insider: string | "everybody" | undefined;
}

export interface ProductPageRequest {
  readonly wanted: Wanted;
  readonly orderBy: string;
  readonly size: number;
  readonly token: string;
}

/** One page of the catalogue, with the id as the tie-breaker of equal keys. */
export async function pageOfProducts(query: Query, { wanted, orderBy, size, token }: ProductPageRequest) {
  const order = orderOf(orderBy);
  const search = query`websearch_to_tsquery('simple', ${wanted.text})`;
  const rank = order.name === "relevance" ? query`ts_rank(p.search, ${search})::float8` : query`0::float8`;
  const rows = await query<ListedRow[]>`
    select ${productColumns(query)}, ${rank} as rank from products p
    where p.deleted_at is null
      and ${wanted.text ? query`p.search @@ ${search}` : query`true`}
      and ${matching(query, wanted)}
      and ${beyond(query, order, rank, token)}
    order by ${sorting(query, order, rank)}
    limit ${size + 1}`;
  const keyOf = (row: ListedRow) => pageKeyOf(order, row);
  return { ...paged(rows, size, keyOf), keyOf };
}

function matching(query: Query, { category, sellerId, currency, insider, ...wanted }: Wanted) {
  const { minPrice, maxPrice, inStock } = wanted;
  // What is in a category begins with its path and a slash; the next character after a slash is 0.
  return query`
    ${category ? query`(p.category = ${category} or (p.category >= ${`${category}/`} and p.category < ${`${category}0`}))` : query`true`}
    and ${sellerId ? query`p.seller_id = ${sellerId}` : query`true`}
    and ${currency ? query`p.currency = ${currency}` : query`true`}
    and ${shownTo(query, insider)}
    and ${
      minPrice === undefined && maxPrice === undefined && !inStock
        ? query`true`
        : query`${inStock ? query`p.status = 'on_sale'` : query`true`} and exists (
          select 1 from variants v join stocks s on s.variant_id = v.id
          where v.product_id = p.id and v.removed_at is null
            and ${inStock ? query`s.available > 0` : query`true`}
            and ${minPrice === undefined ? query`true` : query`coalesce(v.price, p.price) >= ${minPrice}`}
            and ${maxPrice === undefined ? query`true` : query`coalesce(v.price, p.price) <= ${maxPrice}`})`
    }`;
}

function shownTo(query: Query, insider: Wanted["insider"]) {
  if (insider === "everybody") return query`true`;
  if (insider === undefined) return query`p.status = 'on_sale'`;
  return query`(p.status = 'on_sale' or p.seller_id = ${insider})`;
}
