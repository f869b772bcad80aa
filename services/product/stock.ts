import type { ProductService, SetStockRequest } from "#gen/product/v1/product_pb.js";
import type { Database, Events, Handlers } from "#mesh";
import { canonicalId, fail } from "#mesh";
import { toStock } from "./present.ts";
import { findProduct } from "./products-store.ts";
import { notEnoughStock, noVariant, tooMuchStock, variantRequired } from "./refusals.ts";
import { mayChange, requireMayChange, requireVisible } from "./rights.ts";
import { tellOfStocks } from "./stock-events.ts";
import type { StockRow } from "./stock-moves.ts";
import { isLow, replay, setMove } from "./stock-moves.ts";
import { lockStock, moveStocks, saveThreshold, stocksOf } from "./stocks-store.ts";

/** The contract bounds what is set at once; this bounds what adds up. */
const mostAvailable = 1_000_000_000;

export interface StockOptions {
  db: Database;
  events: Events;
  now: () => number;
}

type StockHandlers = Pick<Handlers<typeof ProductService>, "getStock" | "setStock">;

export function stock({ db, events, now }: StockOptions): StockHandlers {
  return {
    async getStock({ id }, call) {
      const product = requireVisible(call, await findProduct(db.sql, id));
      const isSellers = mayChange(call, product);
      return { stocks: (await stocksOf(db.sql, id)).map((row) => toStock(row, isSellers)) };
    },

    async setStock(request, call) {
      const { id, change, lowStockThreshold } = request;
      if (change.case === undefined && lowStockThreshold === undefined) {
        throw fail.invalid("nothing_to_set", "neither a stock nor a threshold is given", {
          remedy: "set available, add or low_stock_threshold",
        });
      }
      const row = await db.transaction(async (tx) => {
        requireMayChange(call, await findProduct(tx, id));
        const variantId = variantOf(await stocksOf(tx, id), canonicalId(request.variantId), id);
        const row = await lockStock(tx, variantId);
        if (!row) throw noVariant();
        const at = new Date(now());
        const delta = deltaOf(row, change);
        const threshold = lowStockThreshold ?? row.lowStockThreshold;
        if (delta === 0 && threshold === row.lowStockThreshold) return row;
        if (threshold !== row.lowStockThreshold) await saveThreshold(tx, variantId, threshold, at);
        const moves = [setMove(variantId, delta)];
        // A threshold alone moves nothing, and is told all the same: the stock may be low by it.
        if (delta !== 0) await moveStocks(tx, moves, at);
        const [moved] = replay([row], moves, at);
        if (!moved) throw noVariant();
        const stock = { ...moved.stock, lowStockThreshold: threshold };
        const becameLow = isLow(stock) && !isLow(row);
        await tellOfStocks(events, [{ ...moved, stock, becameLow }], tx);
        return stock;
      });
      return { stock: toStock(row, true) };
    },
  };
}

function variantOf(stocks: readonly StockRow[], wanted: string, productId: string): string {
  if (!wanted && stocks.length > 1) throw variantRequired(productId);
  const row = wanted ? stocks.find(({ variantId }) => variantId === wanted) : stocks[0];
  if (!row) throw noVariant();
  return row.variantId;
}

function deltaOf({ available }: StockRow, change: SetStockRequest["change"]): number {
  if (change.case === undefined) return 0;
  const delta = change.case === "available" ? change.value - available : change.value;
  if (available + delta < 0) throw notEnoughStock(available, delta);
  if (delta > 0 && available + delta > mostAvailable) throw tooMuchStock(mostAvailable);
  return delta;
}
