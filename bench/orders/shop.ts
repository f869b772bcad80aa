import type { Histogram } from "../harness/histogram.ts";
import { createHistogram } from "../harness/histogram.ts";
import { inLanes } from "../harness/lanes.ts";
import type { Platform } from "./platform.ts";

export interface OrderFigures {
  readonly ordersPerSecond: number;
  /** From the request for the order to its being paid, its payment asked for in between. */
  readonly paidP50Ms: number;
  readonly paidP99Ms: number;
  /** Of the request for an order alone. */
  readonly placedP50Ms: number;
  readonly placedP99Ms: number;
}

/** A shop with some products, and those who buy them over REST. */
export interface Shop {
  /** So many orders, with so many customers at once. */
  sell(count: number, lanes: number): Promise<OrderFigures>;
}

const customers = 8;
const goods = 50;
const plenty = 1_000_000;
/**
 * Between two looks at an order that is not paid yet. When it was is in its
 * history, by the clock of this same machine: looking more often would take
 * more of the processor than the order does.
 */
const lookMs = 25;

interface SeenOrder {
  readonly status: string;
  readonly history: readonly { readonly status: string; readonly at: string }[];
}

export async function openShop({ gatewayUrl, token }: Platform): Promise<Shop> {
  const seller = await token("Seller", "seller@example.com");
  const buyers: string[] = [];
  for (let n = 1; n <= customers; n++) buyers.push(await token("Customer", `customer-${n}@example.com`));

  const ask = async <T>(method: string, path: string, bearer: string, body?: object): Promise<T> => {
    const answer = await fetch(`${gatewayUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body && { "content-type": "application/json", "idempotency-key": crypto.randomUUID() }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const { success, data, error } = (await answer.json()) as { success: boolean; data: T; error?: string };
    if (!success) throw new Error(`${method} ${path}: ${answer.status} ${error}`);
    return data;
  };

  const products: string[] = [];
  for (let n = 1; n <= goods; n++) {
    const price = { currency: "GHS", minor_units: "18500" };
    const product = { name: `Clay pot ${n}`, price, stock: plenty };
    products.push((await ask<{ id: string }>("POST", "/products", seller, product)).id);
  }

  const buy = async (n: number, placed: Histogram, paid: Histogram) => {
    const beganMs = Date.now();
    const buyer = buyers[n % customers] ?? "";
    const lines = [{ product_id: products[n % goods] ?? "", quantity: 1 }];
    const { id } = await ask<{ id: string }>("POST", "/orders", buyer, { lines });
    placed.record(Date.now() - beganMs);
    await ask("POST", "/payments", buyer, { order_id: id, card: { token: "pm_card_visa" } });
    for (;;) {
      const { history } = await ask<SeenOrder>("GET", `/orders/${id}`, buyer);
      const paidAt = history.find(({ status }) => status === "ORDER_STATUS_PAID")?.at;
      if (paidAt !== undefined) return paid.record(Date.parse(paidAt) - beganMs);
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  };

  return {
    async sell(count, lanes) {
      const [placed, paid] = [createHistogram(), createHistogram()];
      let next = 0;
      const beganMs = performance.now();
      await inLanes(count, lanes, () => buy(next++, placed, paid));
      const tookMs = performance.now() - beganMs;
      return {
        ordersPerSecond: (count / tookMs) * 1000,
        paidP50Ms: paid.quantile(0.5),
        paidP99Ms: paid.quantile(0.99),
        placedP50Ms: placed.quantile(0.5),
        placedP99Ms: placed.quantile(0.99),
      };
    },
  };
}
