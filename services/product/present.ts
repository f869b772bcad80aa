import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ProductSchema, StockSchema, VariantSchema } from "#gen/product/v1/product_pb.js";
import { toMoney } from "./money.ts";
import type { ProductRow } from "./products-store.ts";
import { toStatus } from "./status.ts";
import type { StockRow } from "./stock-moves.ts";
import { isLow } from "./stock-moves.ts";
import type { ShownVariant } from "./variants-store.ts";

const int32Max = 2 ** 31 - 1;

/** Returned pieces may heap up behind what the contract can say. */
export const mostInt32 = (count: number): number => Math.min(count, int32Max);

export function toProduct(
  product: ProductRow,
  variants: readonly ShownVariant[],
): MessageInitShape<typeof ProductSchema> {
  const { id, sellerId, name, description, category, currency, price, imageFileIds } = product;
  return {
    id,
    sellerId,
    name,
    description,
    category,
    price: toMoney({ currency, minorUnits: price }),
    status: toStatus(product.status),
    variants: variants.map((it) => toVariant(it, currency)),
    imageFileIds: [...imageFileIds],
    createdAt: timestampFromDate(product.createdAt),
    updatedAt: timestampFromDate(product.updatedAt),
    inStock: product.status === "on_sale" && variants.some(({ inStock }) => inStock),
  };
}

function toVariant(variant: ShownVariant, currency: string): MessageInitShape<typeof VariantSchema> {
  const { id, sku, name, attributes, price } = variant;
  return {
    id,
    sku,
    name,
    attributes,
    ...(price !== null && { price: toMoney({ currency, minorUnits: price }) }),
  };
}

/** What is reserved and sold is the seller's business. */
export function toStock(row: StockRow, isSellers: boolean): MessageInitShape<typeof StockSchema> {
  return {
    productId: row.productId,
    variantId: row.variantId,
    available: mostInt32(row.available),
    reserved: isSellers ? mostInt32(row.reserved) : 0,
    // What came back is for sale again.
    sold: isSellers ? BigInt(row.sold - row.returned) : 0n,
    lowStockThreshold: row.lowStockThreshold,
    isLow: isLow(row),
    updatedAt: timestampFromDate(row.updatedAt),
  };
}
