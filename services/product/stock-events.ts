import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ProductStockUpdatedSchema } from "#gen/product/v1/events_pb.js";
import type { Events, Query } from "#mesh";
import type { Names } from "./names-store.ts";
import { namesOf } from "./names-store.ts";
import { mostInt32 } from "./present.ts";
import type { Moved } from "./stock-moves.ts";
import { changeOf, quantityOf } from "./stock-moves.ts";

/** Tells of each change of a stock; of one product after the other, as all do who hold several. */
export async function tellOfStocks(events: Events, moved: readonly Moved[], tx: Query): Promise<void> {
  const inOrder = moved.toSorted((a, b) => (a.stock.productId < b.stock.productId ? -1 : 1));
  const low = moved.filter(({ becameLow }) => becameLow).map(({ stock }) => stock.variantId);
  // Seldom needed, and not worth a join in all that moves stock.
  const names = low.length === 0 ? noNames : await namesOf(tx, low);
  // Sent in this order and answered in it, without waiting for each.
  await Promise.all(inOrder.map((one) => events.publish(ProductStockUpdatedSchema, told(one, names), tx)));
}

const noNames: Names = new Map();

function told({ move, stock, becameLow }: Moved, names: Names) {
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
    ...names.get(variantId),
    updatedAt: timestampFromDate(updatedAt),
  };
}
