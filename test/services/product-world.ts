import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "@bufbuild/protobuf";
import postgres from "postgres";
import type { ProductCreated, ProductStockUpdated, ProductUpdated } from "#gen/product/v1/events_pb.js";
import {
  ProductCreatedSchema,
  ProductStockUpdatedSchema,
  ProductUpdatedSchema,
} from "#gen/product/v1/events_pb.js";
import type { Product } from "#gen/product/v1/product_pb.js";
import { ProductService } from "#gen/product/v1/product_pb.js";
import { ReservationService } from "#gen/product/v1/reservations_pb.js";
import type { Caller, UserIdentity } from "#mesh";
import { reasonOf } from "#mesh";
import { hostInMemory } from "#mesh/testing/host.ts";
import { eventsTold } from "#mesh/testing/told.ts";
import { createProductService } from "../../services/product/service.ts";
import { refusal, testClock, userWith } from "./kit.ts";

export { eventually, refusal, userWith } from "./kit.ts";

export const newSeller = () => userWith("product:read", "product:write", "product:delete");
export const customer = userWith("product:read");
export const admin = userWith("product:*");
export const order: Caller = { service: { name: "order", scopes: [] } };

export const euros = (minorUnits: number | bigint) => ({ currency: "EUR", minorUnits: BigInt(minorUnits) });

type StockEvent = ProductStockUpdated | ProductCreated | ProductUpdated;

/** The product service, with a clock that tests move. */
export async function createProductWorld() {
  const clock = testClock();
  const host = await hostInMemory([createProductService({ now: clock.now, paceMs: 10 })]);
  const sql = postgres(host.databaseUrl("product"), { max: 4, onnotice: () => {} });
  const products = (user: UserIdentity = customer) =>
    insistent(host.client(ProductService, { caller: { user } }));
  const reservations = insistent(host.client(ReservationService, { caller: order }));

  const world = {
    clock,
    host,
    sql,
    products,
    reservations,
    /** A product on sale, with as much of its one variant as is said. */
    offer: async (seller: UserIdentity, more: object = {}): Promise<Product> => {
      const request = { name: "Bowl", price: euros(1000), ...more };
      return (await products(seller).createProduct(request)).product!;
    },
    reserve: (orderId: string, product: Pick<Product, "id">, quantity: number, more: object = {}) =>
      reservations.reserve({ orderId, lines: [{ productId: product.id, quantity }], ...more }),
    stockOf: async (seller: UserIdentity, product: Pick<Product, "id">) => {
      const [stock] = (await products(seller).getStock({ id: product.id })).stocks;
      return { available: stock!.available, reserved: stock!.reserved, sold: Number(stock!.sold) };
    },
    /** What was told of a product so far, in order. */
    toldOf: async (product: Pick<Product, "id">): Promise<StockEvent[]> => {
      const schemas = [ProductCreatedSchema, ProductUpdatedSchema, ProductStockUpdatedSchema];
      const told = (await eventsTold(host.namespace, schemas)) as (Message & StockEvent)[];
      return told.filter(({ productId }) => productId === product.id);
    },
    /**
     * Variants whose stock is not what their movements make of it, whose pieces do
     * not add up to what was set in, or of which another quantity is held or sold
     * than their orders say.
     */
    wrongStocks: async (): Promise<unknown[]> => [
      ...(await sql`
        select s.*, m.*, o.* from stocks s
        left join lateral (
          select coalesce(sum(available), 0) as m_available, coalesce(sum(reserved), 0) as m_reserved,
            coalesce(sum(sold), 0) as m_sold, coalesce(sum(returned), 0) as m_returned,
            coalesce(sum(available) filter (where kind = 'set'), 0) as set_in
          from stock_movements m where m.variant_id = s.variant_id) m on true
        left join lateral (
          select coalesce(sum(quantity) filter (where state = 'held'), 0) as held,
            coalesce(sum(quantity) filter (where state = 'sold'), 0) as net_sold
          from reservation_lines join reservations using (order_id) where variant_id = s.variant_id) o on true
        where (s.available, s.reserved, s.sold, s.returned) <> (m_available, m_reserved, m_sold, m_returned)
          or s.available + s.reserved + s.sold - s.returned <> set_in
          or s.available < 0 or s.reserved <> held or s.sold - s.returned <> net_sold`),
    ],
    async [Symbol.asyncDispose]() {
      await sql.end();
      await host.stop();
    },
  };
  return world;
}

/** What a busy machine says of calls of which nothing was done. */
const turnedAway = new Set(["overloaded", "bulkhead_full", "breaker_open"]);

/** A client that comes again when it is turned away: storms here are about stock, not about load. */
function insistent<C extends object>(client: C): C {
  return new Proxy(client, {
    get: (target, name) => {
      const call = Reflect.get(target, name) as (request: unknown) => Promise<unknown>;
      return async (request: unknown) => {
        for (;;) {
          try {
            return await call(request);
          } catch (error) {
            if (!turnedAway.has(reasonOf(error))) throw error;
            await sleep(10);
          }
        }
      };
    },
  });
}

export type ProductWorld = Awaited<ReturnType<typeof createProductWorld>>;

/** How each of some calls fails that are made at once. */
export const refusals = (calls: readonly Promise<unknown>[]) => Promise.all(calls.map(refusal));

export const reasonOfCall = async (call: Promise<unknown>) => (await refusal(call)).reason;
