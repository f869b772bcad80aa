import {
  ProductCreatedSchema,
  ProductStockUpdatedSchema,
  ProductUpdatedSchema,
  StockChange,
} from "#gen/product/v1/events_pb.js";
import type { Said } from "./fact.ts";
import { mapping } from "./fact.ts";

/** What is counted beside the change itself. */
const countedAs: Partial<Record<StockChange, readonly string[]>> = {
  [StockChange.RESERVED]: ["units_reserved"],
  [StockChange.RELEASED]: ["units_released"],
  [StockChange.EXPIRED]: ["units_released"],
  [StockChange.SOLD]: ["products_sold", "units_sold"],
  [StockChange.RETURNED]: ["units_returned"],
};

export const productFacts = [
  mapping(ProductCreatedSchema, ({ productId, sellerId, category, createdAt }) => [
    {
      metric: "products_created",
      at: createdAt,
      ownerId: sellerId,
      subject: ["product", productId],
      properties: { category },
    },
  ]),
  mapping(ProductUpdatedSchema, ({ productId, sellerId, deleted, updatedAt }) => [
    {
      metric: deleted ? "products_deleted" : "products_updated",
      at: updatedAt,
      ownerId: sellerId,
      subject: ["product", productId],
    },
  ]),
  mapping(ProductStockUpdatedSchema, (message): Said[] => {
    const { productId, variantId, sellerId, change, quantity, becameLow, orderId, updatedAt } = message;
    const common = {
      at: updatedAt,
      ownerId: sellerId,
      subject: ["product", productId],
      properties: { variant_id: variantId, order_id: orderId },
    } as const;
    const pieces = (metric: string) => ({
      ...common,
      metric,
      ...(metric.startsWith("units_") && { value: quantity }),
    });
    return [
      { ...common, metric: "stock_updated" },
      ...(countedAs[change] ?? []).map(pieces),
      ...(becameLow ? [{ ...common, metric: "stock_low" }] : []),
    ];
  }),
];
