import type { Query } from "#mesh";
import { only } from "#mesh";

export type ProductStatus = "draft" | "on_sale" | "paused";

export interface ProductRow {
  readonly id: string;
  readonly sellerId: string;
  readonly name: string;
  readonly nameKey: string;
  readonly description: string;
  readonly category: string;
  readonly currency: string;
  readonly price: bigint;
  readonly lowestPrice: bigint;
  readonly status: ProductStatus;
  readonly imageFileIds: readonly string[];
  readonly skus: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
}

export const productColumns = (query: Query) => query`
  p.id, p.seller_id, p.name, p.name_key, p.description, p.category, p.currency, p.price, p.lowest_price, p.status,
  p.image_file_ids, p.skus, p.created_at, p.updated_at, p.deleted_at`;

export async function insertProduct(tx: Query, row: ProductRow): Promise<void> {
  await tx`insert into products ${tx({ ...row, imageFileIds: [...row.imageFileIds] })}`;
}

export async function saveProduct(tx: Query, { id, ...row }: ProductRow): Promise<ProductRow> {
  return only(
    await tx<ProductRow[]>`
      update products p set ${tx({ ...row, imageFileIds: [...row.imageFileIds] })} where p.id = ${id}
      returning ${productColumns(tx)}`,
  );
}

/** Also those that are deleted. */
export async function findProduct(query: Query, id: string): Promise<ProductRow | undefined> {
  const [row] = await query<ProductRow[]>`select ${productColumns(query)} from products p where p.id = ${id}`;
  return row;
}

export async function lockProduct(tx: Query, id: string): Promise<ProductRow | undefined> {
  const [row] = await tx<ProductRow[]>`
    select ${productColumns(tx)} from products p where p.id = ${id} for update`;
  return row;
}
