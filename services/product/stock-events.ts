import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ProductStockUpdatedSchema } from "#gen/product/v1/events_pb.js";
import type { Events, Query } from "#mesh";
import { mostInt32 } from "./present.ts";
import type { Moved } from "./stock-moves.ts";
import { changeOf, quantityOf } from "./stock-moves.ts";

/** Tells of each change of a stock; of one product after the other, as all do who hold several. */
export async function tellOfStocks(events: Events, moved: readonly Moved[], tx: Query): Promise<void> {
  const inOrder = moved.toSorted((a, b) => (a.stock.productId < b.stock.productId ? -1 : 1));
  // Sent in this order and answered in it, without waiting for each.
  await Promise.all(inOrder.map((one) => events.publish(ProductStockUpdatedSchema, told(one), tx)));
}

function told({ move, stock, becameLow }: Moved) {
  const { productId, variantId, sellerId, lowStockThreshold, updatedAt } = stock;
  return {
    productId,
    variantId,
    sellerId,
    change: changeOf(move),
    delta: move.available,
    available: mostInt32(stock.available),
    reserved: mostInt32(stock.reserved),
    lowStockThreshold,
    becameLow,
    orderId: move.orderId ?? "",
    quantity: mostInt32(quantityOf(move)),
    updatedAt: timestampFromDate(updatedAt),
  };
}
