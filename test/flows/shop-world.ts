import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { MessageInitShape } from "@bufbuild/protobuf";
import postgres from "postgres";
import type { CreateOrderRequestSchema, Order } from "#gen/order/v1/order_pb.js";
import { OrderService, OrderStatus } from "#gen/order/v1/order_pb.js";
import type { Payment } from "#gen/payment/v1/payment_pb.js";
import { LedgerService, PaymentService } from "#gen/payment/v1/payment_pb.js";
import type { Product } from "#gen/product/v1/product_pb.js";
import { ProductService } from "#gen/product/v1/product_pb.js";
import type { UserIdentity } from "#mesh";
import { reasonOf } from "#mesh";
import { hostInMemory } from "#mesh/testing/host.ts";
import { sandboxKeys, startPaymentsSandbox } from "../../sandbox/payments/start.ts";
import { createOrderService } from "../../services/order/service.ts";
import { createPaymentService } from "../../services/payment/service.ts";
import { createProductService } from "../../services/product/service.ts";
import { eventually, testClock, userWith } from "../services/kit.ts";

export { eventually, refusal, userWith } from "../services/kit.ts";

export const newCustomer = () => userWith("product:read", "order:create", "payment:create");
export const newSeller = () => userWith("product:read", "product:write", "order:read", "order:write");
export const manager = userWith("payment:read", "payment:refund");
export const admin = userWith("*:*");

const quick = { slowMs: 100, settleMs: 30, lateMs: 150, retryMs: 20, expiryMs: 600 };

/** A shop as it is: products, orders and payments, and the sandbox's card processor behind them. */
export async function createShopWorld() {
  const clock = testClock();
  const door = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
    );
    const provider = `${request.url}`.slice(1);
    const taken = host
      .client(PaymentService)
      .receiveCallback({ provider, body: { data: Buffer.concat(chunks) } }, { headers });
    const status = await taken.then(
      () => 200,
      () => 503,
    );
    response.writeHead(status).end();
  });
  await new Promise<void>((done) => door.listen(0, "127.0.0.1", done));
  const webhookUrl = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  const sandbox = await startPaymentsSandbox({ webhookUrl, delays: quick, now: clock.now });
  const world = { now: clock.now, paceMs: 20 };
  const host = await hostInMemory(
    [createProductService(world), createPaymentService(world), createOrderService(world)],
    {
      env: {
        PAYMENT_STRIPE_URL: sandbox.url,
        PAYMENT_STRIPE_KEY: sandboxKeys.stripeKey,
        PAYMENT_STRIPE_WEBHOOK_SECRET: sandboxKeys.stripeSecret,
        PAYMENT_MOMO_URL: sandbox.url,
        PAYMENT_MOMO_KEY: sandboxKeys.momoKey,
        PAYMENT_MOMO_WEBHOOK_SECRET: sandboxKeys.momoSecret,
        PAYMENT_PROVIDER_TIMEOUT: "2s",
        PAYMENT_ASK_AGAIN: "600ms",
        PAYMENT_RETRY: "20ms",
      },
    },
  );
  const sql = postgres(host.databaseUrl("order"), { max: 2, onnotice: () => {} });
  const offered: { product: Product; seller: UserIdentity; stock: number }[] = [];

  const products = (user: UserIdentity) => host.client(ProductService, { caller: { user } });
  const orders = (user: UserIdentity) => host.client(OrderService, { caller: { user } });
  const payments = (user: UserIdentity) => host.client(PaymentService, { caller: { user } });

  const shop = {
    clock,
    sandbox,
    products,
    orders,
    payments,
    offer: async (stock: number, minorUnits = 1999n, seller = newSeller()): Promise<Offer> => {
      const request = { name: "Bowl", price: { currency: "USD", minorUnits }, stock };
      const { product } = await products(seller).createProduct(request);
      offered.push({ product: product!, seller, stock });
      return { product: product!, seller };
    },
    place: async (
      customer: UserIdentity,
      { product }: Offer,
      quantity = 1,
      more: MessageInitShape<typeof CreateOrderRequestSchema> = {},
    ): Promise<Order> => {
      const lines = [{ productId: product.id, quantity }];
      return (await orders(customer).createOrder({ lines, ...more })).order!;
    },
    pay: async (customer: UserIdentity, { id: orderId }: Order, token = "pm_card_visa"): Promise<Payment> => {
      const method = { case: "card", value: { token } } as const;
      return (await payments(customer).createPayment({ orderId, method })).payment!;
    },
    payByPhone: async (customer: UserIdentity, { id: orderId }: Order, phone: string): Promise<Payment> => {
      const method = { case: "mobileMoney", value: { phone } } as const;
      return (await payments(customer).createPayment({ orderId, method })).payment!;
    },
    order: async (id: string) => (await orders(admin).getOrder({ id })).order!,
    /** Until it is so, while time goes by for what is tried again by and by. */
    becomes: async ({ id }: Pick<Order, "id">, status: keyof typeof OrderStatus) => {
      await eventually(async () => {
        const is = OrderStatus[(await shop.order(id)).status];
        if (is !== status) clock.pass(100);
        return is;
      }).toBe(status);
      return shop.order(id);
    },
    stockOf: async ({ product, seller }: Offer) => {
      const [stock] = (await products(seller).getStock({ id: product.id })).stocks;
      return { available: stock!.available, reserved: stock!.reserved, sold: Number(stock!.sold) };
    },
    /** Nothing is due of any order. */
    rests: () =>
      eventually(async () => {
        clock.pass(100);
        const [row] = await sql<{ count: number }[]>`
          select count(*)::int as count from orders where due <> '{}' or status = 'cancelling'`;
        return row?.count;
      }).toBe(0),
    /** What all products have, against what they had at first. */
    pieces: async () => {
      const told: { had: number; has: number }[] = [];
      for (const { stock, ...offer } of offered) {
        const { available, reserved, sold } = await shop.stockOf(offer);
        told.push({ had: stock, has: available + reserved + sold });
      }
      return told;
    },
    /** Pieces that are sold, and those of orders that are paid. */
    sold: async () => {
      let stock = 0;
      for (const offer of offered) stock += (await shop.stockOf(offer)).sold;
      const [row] = await sql<{ count: number }[]>`
        select coalesce(sum(quantity), 0)::int as count from order_lines join orders on id = order_id
        where status in ('paid', 'processing', 'shipped', 'delivered')`;
      return { stock, orders: row?.count };
    },
    /** Money that orders say was paid and not given back, by what each service, and the sandbox, knows. */
    money: async () => {
      const { balances, balanced } = await host
        .client(LedgerService, { caller: { user: admin } })
        .getBalances({});
      const [row] = await sql<{ total: string }[]>`
        select coalesce(sum(total - refunded), 0)::text as total from orders
        where status in ('paid', 'processing', 'shipped', 'delivered')`;
      const refunds = sandbox.refunds().filter(({ status }) => status === "succeeded");
      const taken = sandbox
        .charges()
        .filter(({ status }) => status === "succeeded")
        .map((it) => {
          const back = refunds.filter(({ chargeId }) => chargeId === it.id);
          return minor(it) - back.reduce((sum, { amount }) => sum + minor({ ...it, amount }), 0n);
        });
      const providers = balances.filter(({ account }) => account.startsWith("provider:"));
      return {
        balanced,
        sum: sumOf(balances.map(({ minorUnits }) => minorUnits)),
        ledger: sumOf(providers.map(({ minorUnits }) => minorUnits)),
        orders: BigInt(row?.total ?? 0),
        sandbox: sumOf(taken),
      };
    },
    async [Symbol.asyncDispose]() {
      await sql.end();
      await host.stop();
      await sandbox.close();
      await new Promise((done) => {
        door.close(done);
        door.closeAllConnections();
      });
    },
  };
  return shop;
}

export interface Offer {
  readonly product: Product;
  readonly seller: UserIdentity;
}

export type ShopWorld = Awaited<ReturnType<typeof createShopWorld>>;

const sumOf = (numbers: readonly bigint[]) => numbers.reduce((sum, it) => sum + it, 0n);

/** All is in dollars, which one provider counts in cents and the other writes with a point. */
const minor = ({ amount, provider }: { amount: string; provider: string }) =>
  provider === "stripe" ? BigInt(amount) : BigInt(amount.replace(".", ""));

/** A crowd is let in bit by bit: who is turned away at the door, before anything is done, comes back. */
export async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (reasonOf(error) !== "overloaded") throw error;
    }
  }
}
