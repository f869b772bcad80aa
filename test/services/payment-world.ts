import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import postgres from "postgres";
import type { Order } from "#gen/order/v1/order_pb.js";
import { OrderSchema, OrderService, OrderStatus } from "#gen/order/v1/order_pb.js";
import {
  PaymentFailedSchema,
  PaymentProcessedSchema,
  PaymentRefundedSchema,
} from "#gen/payment/v1/events_pb.js";
import { LedgerService, PaymentService, PaymentStatus } from "#gen/payment/v1/payment_pb.js";
import type { Caller, Implementation, Running, ServiceDefinition, Setup, UserIdentity } from "#mesh";
import { defineService, fail, handlers, newId, on } from "#mesh";
import { hostInMemory } from "#mesh/testing/host.ts";
import type { Delays } from "../../sandbox/payments/clock.ts";
import { sandboxKeys, startPaymentsSandbox } from "../../sandbox/payments/start.ts";
import { openProviders } from "../../services/payment/providers/open-providers.ts";
import type { Provider, Providers } from "../../services/payment/providers/provider.ts";
import { createPaymentService } from "../../services/payment/service.ts";
import { service, silentHealth, silentMetrics, testClock, userWith } from "./kit.ts";

export { eventually, failure, service, userWith } from "./kit.ts";

export const customer = () => userWith("payment:create", "order:create");
export const manager = userWith("payment:read", "payment:refund");
export const admin = userWith("*:*");
/** What was told of an order, in its order. */
export interface ToldEvent {
  readonly type: "processed" | "failed" | "refunded";
  readonly orderNumber?: string;
  readonly paymentId: string;
  readonly orderId: string;
  readonly amount: bigint;
  readonly inFull?: boolean;
  readonly failureCode?: string;
}

export interface WorldOptions {
  env?: Record<string, string>;
  delays?: Partial<Delays>;
  /** Takes the log lines, all of them. */
  logs?: { write(line: string): void };
}

/** Where a service may be killed: before or after each of its steps. */
export interface Fate {
  /** How many steps it has left; it then hangs for good. */
  left: number;
  dead: boolean;
  readonly died: Promise<void>;
  die(): void;
}

export function createFate(left = Number.POSITIVE_INFINITY): Fate {
  const { promise: died, resolve } = Promise.withResolvers<void>();
  const fate: Fate = {
    left,
    dead: false,
    died,
    die: () => {
      fate.dead = true;
      resolve();
    },
  };
  return fate;
}

const quick = { slowMs: 150, settleMs: 40, lateMs: 200, retryMs: 20, expiryMs: 600 };

/** The payment service with the sandbox's providers, and an order service that knows what tests told it. */
export async function createPaymentWorld({ env = {}, delays = {}, logs }: WorldOptions = {}) {
  const clock = testClock();
  const orders = new Map<string, Order>();
  const events: ToldEvent[] = [];
  const gate = { open: true };
  const door = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
    );
    const status = gate.open ? await deliver(`${request.url}`.slice(1), Buffer.concat(chunks), headers) : 503;
    response.writeHead(status).end();
  });
  await new Promise<void>((done) => door.listen(0, "127.0.0.1", done));
  const webhookUrl = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  const sandbox = await startPaymentsSandbox({ webhookUrl, delays: { ...quick, ...delays }, now: clock.now });

  const instances: { stopping: AbortController; running: Running; fate: Fate }[] = [];
  let given: Setup<never, never> | undefined;
  let definition: ServiceDefinition | undefined;
  const start = async (fate: Fate = createFate()) => {
    const setup = given as unknown as Setup<never, never>;
    const stopping = new AbortController();
    definition = createPaymentService({
      now: clock.now,
      random: () => 1,
      paceMs: 10,
      providers: (config, now) => mortal(openProviders(config, now), fate),
    });
    const running = await definition.setup({
      ...setup,
      db: mortalDatabase(setup.db, fate),
      ...(instances.length > 0 && { metrics: silentMetrics(setup), health: silentHealth(setup) }),
      stopping: stopping.signal,
    } as never);
    instances.push({ stopping, running, fate });
  };
  const current = () => instances.at(-1)!;

  const plain = createPaymentService();
  const watched: ServiceDefinition = {
    ...plain,
    setup: async (setup) => {
      given = setup as never;
      await start();
      return { rpc: current().running.rpc.map((_, index) => forwarding(current, index)) };
    },
  };
  const orderService = defineService({
    name: "order",
    contracts: [OrderService],
    database: { migrations: new URL("../../mesh/testing/no-migrations/", import.meta.url) },
    setup: () => ({
      rpc: [handlers(OrderService, onlyGetOrder(orders))],
      on: [
        on(
          [PaymentProcessedSchema, PaymentFailedSchema, PaymentRefundedSchema],
          (message) => {
            const common = {
              paymentId: message.paymentId,
              orderId: message.orderId,
              amount: message.amount!.minorUnits,
            };
            if (message.$typeName === "payment.v1.PaymentProcessed")
              events.push({ type: "processed", ...common });
            else if (message.$typeName === "payment.v1.PaymentFailed")
              events.push({ type: "failed", ...common, failureCode: message.failureCode });
            else {
              const { inFull, orderNumber } = message;
              events.push({ type: "refunded", ...common, inFull, orderNumber });
            }
          },
          { name: "told", ordered: true },
        ),
      ],
    }),
  });
  const host = await hostInMemory([orderService, watched], {
    env: {
      PAYMENT_STRIPE_URL: sandbox.url,
      PAYMENT_STRIPE_KEY: sandboxKeys.stripeKey,
      PAYMENT_STRIPE_WEBHOOK_SECRET: sandboxKeys.stripeSecret,
      PAYMENT_MOMO_URL: sandbox.url,
      PAYMENT_MOMO_KEY: sandboxKeys.momoKey,
      PAYMENT_MOMO_WEBHOOK_SECRET: sandboxKeys.momoSecret,
      PAYMENT_PROVIDER_TIMEOUT: "1500ms",
      PAYMENT_ASK_AGAIN: "1600ms",
      PAYMENT_RETRY: "20ms",
      ...(logs && { LOG_LEVEL: "debug" }),
      ...env,
    },
    ...(logs && { logs }),
  });
  const sql = postgres(host.databaseUrl("payment"), { max: 2, onnotice: () => {} });

  const as = <S extends DescService>(contract: S, caller: Caller) => host.client(contract, { caller });
  const deliver = async (
    provider: string,
    data: Uint8Array,
    headers: Record<string, string>,
  ): Promise<number> => {
    try {
      await host.client(PaymentService).receiveCallback({ provider, body: { data } }, { headers });
      return 200;
    } catch (error) {
      return ConnectError.from(error).code === Code.Unauthenticated ? 401 : 503;
    }
  };

  const world = {
    clock,
    host,
    sql,
    sandbox,
    orders,
    events,
    gate,
    deliver,
    payments: (who: UserIdentity | Caller) => as(PaymentService, "permissions" in who ? { user: who } : who),
    ledger: (who: Caller = { user: admin }) => as(LedgerService, who),
    /** An order that awaits its payment. */
    order: (
      user: UserIdentity,
      minorUnits = 1999n,
      more: { status?: OrderStatus; currency?: string } = {},
    ) => {
      const { status = OrderStatus.AWAITING_PAYMENT, currency = "USD" } = more;
      const order = create(OrderSchema, {
        id: newId(),
        number: "W-TEST",
        customerId: user.id,
        sellerId: newId(),
        status,
        total: { currency, minorUnits },
      });
      orders.set(order.id, order);
      return order;
    },
    pay: async (user: UserIdentity, orderId: string, token = "pm_card_visa", key?: string) => {
      const { payment } = await world
        .payments(user)
        .createPayment({ orderId, method: { case: "card", value: { token } } }, withKey(key));
      return payment!;
    },
    payByPhone: async (user: UserIdentity, orderId: string, phone = "+233201234567", key?: string) => {
      const { payment } = await world
        .payments(user)
        .createPayment({ orderId, method: { case: "mobileMoney", value: { phone } } }, withKey(key));
      return payment!;
    },
    refund: async (id: string, minorUnits?: bigint, key?: string, currency = "USD") => {
      const amount = minorUnits === undefined ? {} : { amount: { currency, minorUnits } };
      const { refund } = await world.payments(manager).refundPayment({ id, ...amount }, withKey(key));
      return refund!;
    },
    close: async (orderId: string, reason = "called off") =>
      (await world.payments(service("order")).closeOrder({ orderId, reason })).settled,
    payment: async (id: string) => (await world.payments(service("order")).getPayment({ id })).payment!,
    status: async (id: string) => PaymentStatus[(await world.payment(id)).status],
    /** What the sandbox took for an order, and what of it went back. */
    taken: (orderId: string) => sum(world.held().filter((it) => it.orderId === orderId)),
    /** What is left at the sandbox of each charge, in minor units. */
    held: () => {
      const refunds = sandbox.refunds();
      return sandbox
        .charges()
        .filter(({ status }) => status === "succeeded")
        .map((charge) => {
          const back = refunds.filter((it) => it.chargeId === charge.id && it.status === "succeeded");
          const charged = minor(charge.amount, charge.provider);
          const refunded = back.reduce((total, it) => total + minor(it.amount, it.provider), 0n);
          return { ...charge, charged, refunded, left: charged - refunded };
        });
    },
    told: (orderId: string) => events.filter((it) => it.orderId === orderId),
    types: (orderId: string) => world.told(orderId).map(({ type }) => type),
    /** Ends the instance as a power cut does, and starts another over the same stores. */
    restart: async (fate?: Fate) => {
      const before = instances.at(-1)!;
      before.fate.die();
      before.stopping.abort();
      await start(fate);
    },
    metrics: () => (given as unknown as Setup<never, never>).metrics.render(),
    health: () => (given as unknown as Setup<never, never>).health.report(),
    /** Nothing waits for anything any more. */
    isQuiet: async () => {
      const [row] = await sql`
        select (select count(*) from payments where state = 'pending' or next_try_at is not null)
          + (select count(*) from refunds where state = 'pending')
          + (select count(*) from orders where next_try_at is not null) as open`;
      return Number(row!.open) === 0;
    },
    async [Symbol.asyncDispose]() {
      for (const { stopping } of instances) stopping.abort();
      for (const { running, fate } of instances) if (!fate.dead) await running.stop?.();
      await sql.end();
      await host.stop();
      await sandbox.close();
      await new Promise((done) => {
        door.close(done);
        door.closeAllConnections();
      });
    },
  };
  return world;
}

export type PaymentWorld = Awaited<ReturnType<typeof createPaymentWorld>>;

const sum = (held: readonly { charged: bigint; refunded: bigint; left: bigint }[]) => ({
  times: held.length,
  charged: held.reduce((total, it) => total + it.charged, 0n),
  left: held.reduce((total, it) => total + it.left, 0n),
});

const withKey = (key: string | undefined) =>
  key === undefined ? {} : { headers: { "idempotency-key": key } };

/** All tests use currencies with two digits behind the point. */
const minor = (amount: string, provider: string): bigint =>
  provider === "stripe" ? BigInt(amount) : BigInt(amount.replace(".", ""));

function onlyGetOrder(orders: Map<string, Order>) {
  const unused = () => {
    throw fail.unimplemented("unused", "this order service only tells of orders");
  };
  return {
    createOrder: unused,
    listOrders: unused,
    cancelOrder: unused,
    updateOrderStatus: unused,
    getOrder: ({ id }: { id: string }, { caller }: { caller: Caller }) => {
      const order = orders.get(id);
      const mine = caller.user && [order?.customerId, order?.sellerId].includes(caller.user.id);
      if (!order || (caller.user && !mine))
        throw fail.notFound("order_not_found", "no order of yours has this id");
      return { order };
    },
  };
}

/** Answers as whoever is at it now does; who calls sees the connection break when it is killed. */
function forwarding(current: () => { running: Running; fate: Fate }, index: number): Implementation {
  const { contract, handlers: first } = current().running.rpc[index]!;
  const all = Object.keys(first).map((name) => [
    name,
    (...args: unknown[]) => {
      const { running, fate } = current();
      const answers = running.rpc[index]!.handlers as unknown as Record<
        string,
        (...args: unknown[]) => unknown
      >;
      const broken = fate.died.then(() => {
        throw fail.unavailable("killed", "the instance was killed");
      });
      return Promise.race([answers[name]!(...args), broken]);
    },
  ]);
  return { contract, handlers: Object.fromEntries(all) };
}

const forever = () => new Promise<never>(() => {});

/** Counts a step down; whoever has none left neither goes on nor fails, as one that was killed. */
async function step(fate: Fate) {
  if (fate.dead) return forever();
  if (fate.left-- <= 0) {
    fate.die();
    return forever();
  }
}

function mortal(providers: Providers, fate: Fate): Providers {
  const asks = ["charge", "find", "cancel", "refund", "findRefund"] as const;
  const wrapped = (provider: Provider): Provider => ({
    ...provider,
    ...Object.fromEntries(
      asks.map((name) => [
        name,
        async (request: never) => {
          await step(fate);
          const answer = await provider[name](request);
          await step(fate);
          return answer;
        },
      ]),
    ),
  });
  return new Map([...providers].map(([name, provider]) => [name, wrapped(provider)]));
}

class Killed extends Error {}

/** Transactions happen or not, and whoever is killed does not learn which. */
function mortalDatabase(db: Setup<never, never>["db"], fate: Fate): Setup<never, never>["db"] {
  return {
    ...db,
    async transaction(work) {
      await step(fate);
      try {
        const result = await db.transaction(async (tx) => {
          const done = await work(tx);
          if (fate.left-- <= 0) fate.die();
          if (fate.dead) throw new Killed();
          return done;
        });
        await step(fate);
        return result;
      } catch (error) {
        if (error instanceof Killed) return forever();
        throw error;
      }
    },
  };
}
