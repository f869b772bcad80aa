import { AsyncLocalStorage } from "node:async_hooks";
import type { DescService, MessageInitShape } from "@bufbuild/protobuf";
import { create, fromBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import postgres from "postgres";
import type { Money } from "#gen/common/v1/money_pb.js";
import type { OrderCreated, OrderStatusUpdated } from "#gen/order/v1/events_pb.js";
import { OrderCreatedSchema, OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import type { Order } from "#gen/order/v1/order_pb.js";
import {
  CancelOrderRequestSchema,
  CreateOrderRequestSchema,
  OrderService,
  OrderStatus,
} from "#gen/order/v1/order_pb.js";
import {
  PaymentFailedSchema,
  PaymentProcessedSchema,
  PaymentRefundedSchema,
} from "#gen/payment/v1/events_pb.js";
import { PaymentService } from "#gen/payment/v1/payment_pb.js";
import type { ReserveRequest } from "#gen/product/v1/reservations_pb.js";
import { ReservationService } from "#gen/product/v1/reservations_pb.js";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Caller, Database, Events, Handlers, Running, Setup, UserIdentity } from "#mesh";
import { defineService, fail, handlers, newId } from "#mesh";
import { LiveCall } from "#mesh/call/live-call.ts";
import { hostInMemory } from "#mesh/testing/host.ts";
import { silentTelemetry } from "#mesh/testing/telemetry.ts";
import { createOrderService } from "../../services/order/service.ts";
import { eventually, silentHealth, silentMetrics, testClock, userWith } from "./kit.ts";

export { eventually, refusal, service, userWith } from "./kit.ts";

export const newCustomer = () => userWith("order:create");
export const admin = userWith("order:*");
export const price = 1250n;
export const usd = (minorUnits: bigint): Pick<Money, "currency" | "minorUnits"> => ({
  currency: "USD",
  minorUnits,
});

type StockState = "held" | "sold" | "released";

/** A product service of one seller, who has enough of everything. */
function createStock() {
  const stock = {
    sellerId: newId(),
    states: new Map<string, StockState>(),
    asked: [] as ReserveRequest[],
    calls: [] as string[],
    unitPrice: price,
    /** How long what is held is said to be so. */
    heldMs: 60 * 60_000,
    /** What goes wrong before anything is done; `after` when it is done. */
    before: async (_step: string, _orderId: string): Promise<void> => {},
    after: async (_step: string, _orderId: string): Promise<void> => {},
    down: false,
    state: (orderId: string) => stock.states.get(orderId) ?? "none",
  };
  const done = async <T>(step: string, orderId: string, answer: () => T): Promise<T> => {
    stock.calls.push(`${step} ${orderId}`);
    if (stock.down) throw fail.unavailable("down", "the product service is away");
    await stock.before(step, orderId);
    const given = answer();
    await stock.after(step, orderId);
    return given;
  };
  const rpc: Handlers<typeof ReservationService> = {
    reserve: (request) =>
      done("reserve", request.orderId, () => {
        const { orderId, lines } = request;
        stock.asked.push(request);
        if (stock.state(orderId) === "released") throw fail.precondition("reservation_released", "released");
        if (stock.state(orderId) === "none") stock.states.set(orderId, "held");
        return {
          sellerId: stock.sellerId,
          expiresAt: timestampFromMs(Date.now() + stock.heldMs),
          lines: lines.map(({ productId, variantId, quantity }, at) => ({
            productId: productId || newId(),
            variantId: variantId || newId(),
            productName: `Thing ${at} 🧺`,
            variantName: "كبير",
            sku: `T-${at}`,
            quantity,
            unitPrice: usd(stock.unitPrice),
          })),
        };
      }),
    commit: ({ orderId }) =>
      done("commit", orderId, () => {
        if (stock.state(orderId) === "released") throw fail.precondition("reservation_released", "released");
        stock.states.set(orderId, "sold");
        return {};
      }),
    release: ({ orderId }) =>
      done("release", orderId, () => {
        stock.states.set(orderId, "released");
        return {};
      }),
  };
  const definition = defineService({
    name: "product",
    contracts: [ReservationService],
    setup: () => ({ rpc: [handlers(ReservationService, rpc)] }),
  });
  return { stock, definition };
}

/** A payment service that takes any money and gives it back when an order is closed. */
function createTill() {
  let events: Events | undefined;
  const charged = new Map<string, { paymentId: string; amount: bigint; refunded: bigint }[]>();
  const till = {
    charged,
    closed: new Map<string, string>(),
    calls: [] as string[],
    down: false,
    /** A refund is on its way until `arrive`. */
    slow: false,
    before: async (_orderId: string): Promise<void> => {},
    after: async (_orderId: string): Promise<void> => {},
    balance: (orderId: string) =>
      (charged.get(orderId) ?? []).reduce((sum, { amount, refunded }) => sum + amount - refunded, 0n),
    publish: ((...args: Parameters<Events["publish"]>) => events!.publish(...args)) as Events["publish"],
    /** Charged, whatever the order is: the provider was faster. */
    pay: async (order: { id: string; total?: Money | undefined }, amount = order.total?.minorUnits ?? 0n) => {
      const payment = { paymentId: newId(), amount, refunded: 0n };
      charged.set(order.id, [...(charged.get(order.id) ?? []), payment]);
      const { paymentId } = payment;
      const message = { paymentId, orderId: order.id, amount: usd(amount), provider: "stripe" };
      await till.publish(PaymentProcessedSchema, message);
      if (till.closed.has(order.id)) await till.refund(order.id);
      return paymentId;
    },
    decline: (orderId: string, failureCode = "card_declined") =>
      till.publish(PaymentFailedSchema, { paymentId: newId(), orderId, failureCode }),
    /** All that is left of each payment, or a part of it. */
    refund: async (orderId: string, part?: bigint) => {
      for (const payment of charged.get(orderId) ?? []) {
        const left = payment.amount - payment.refunded;
        if (left === 0n) continue;
        const amount = part ?? left;
        payment.refunded += amount;
        await till.publish(PaymentRefundedSchema, {
          paymentId: payment.paymentId,
          refundId: newId(),
          orderId,
          amount: usd(amount),
          refunded: usd(payment.refunded),
          inFull: payment.refunded === payment.amount,
        });
      }
    },
  };
  const refuse = () => {
    throw fail.unimplemented("not_here", "this is a test");
  };
  const definition = defineService({
    name: "payment",
    contracts: [PaymentService],
    publishes: [PaymentProcessedSchema, PaymentFailedSchema, PaymentRefundedSchema],
    setup: (given) => {
      events = given.events;
      const rpc: Handlers<typeof PaymentService> = {
        createPayment: refuse,
        getPayment: refuse,
        listPayments: refuse,
        refundPayment: refuse,
        receiveCallback: refuse,
        closeOrder: async ({ orderId, reason }) => {
          till.calls.push(orderId);
          if (till.down) throw fail.unavailable("down", "the payment service is away");
          await till.before(orderId);
          till.closed.set(orderId, reason);
          if (!till.slow) await till.refund(orderId);
          const settled = till.balance(orderId) === 0n;
          await till.after(orderId);
          return { settled };
        },
      };
      return { rpc: [handlers(PaymentService, rpc)] };
    },
  });
  return { till, definition };
}

/** Who tells that accounts are gone. */
function createAccounts() {
  let events: Events | undefined;
  const definition = defineService({
    name: "user",
    contracts: [UserService],
    publishes: [UserDeletedSchema],
    setup: (given) => {
      events = given.events;
      // Nobody calls it.
      const refuse = () => Promise.reject(new Error("this is a test"));
      const rpc = new Proxy({}, { get: () => refuse }) as Handlers<typeof UserService>;
      return { rpc: [handlers(UserService, rpc)] };
    },
  });
  const remove = (userId: string) => events!.publish(UserDeletedSchema, { userId });
  return { remove, definition };
}

type NewOrder = MessageInitShape<typeof CreateOrderRequestSchema>;

export interface WorldOptions {
  env?: Record<string, string>;
  logs?: { write(line: string): void };
}

/** The order service between peers that tests lead, with a clock that they move. */
export async function createOrderWorld({ env = {}, logs }: WorldOptions = {}) {
  const clock = testClock();
  const { stock, definition: product } = createStock();
  const { till, definition: payment } = createTill();
  const accounts = createAccounts();
  let given: Setup<never, never> | undefined;
  const definition = createOrderService({ now: clock.now, paceMs: 20 });
  const host = await hostInMemory(
    [
      product,
      payment,
      accounts.definition,
      {
        ...definition,
        setup: (setup) => {
          given = setup as never;
          return definition.setup(setup);
        },
      },
    ],
    { env: { ...(logs && { LOG_LEVEL: "debug" }), ...env }, ...(logs && { logs }) },
  );
  const setup = given as unknown as Setup<never, never>;
  const sql = postgres(host.databaseUrl("order"), { max: 4, onnotice: () => {} });
  const replicas: { stopping: AbortController; running: Running; fate: Fate | undefined }[] = [];
  const orders = (user: UserIdentity) => host.client(OrderService, { caller: { user } });

  const { tracer } = silentTelemetry("replica");
  const callOf = (user: UserIdentity, headers: Record<string, string> = {}) => {
    const [requestHeader, responseHeader, responseTrailer] = [
      new Headers(headers),
      new Headers(),
      new Headers(),
    ];
    return new LiveCall({
      method: "order.v1.OrderService/Test",
      requestId: newId(),
      correlationId: newId(),
      span: tracer.begin("server", "test", undefined),
      tracer,
      caller: { user },
      userToken: "",
      envelope: { requestHeader, responseHeader, responseTrailer },
      client: () => ({ address: "127.0.0.1", userAgent: "test" }),
      budgetMs: Number.POSITIVE_INFINITY,
      log: setup.log,
    });
  };

  const world = {
    clock,
    host,
    sql,
    setup,
    stock,
    till,
    orders,
    as: (caller: Caller) => host.client(OrderService, { caller }),
    seller: { ...userWith("order:read", "order:write"), id: stock.sellerId } as UserIdentity,
    removeAccount: accounts.remove,
    create: async (customer: UserIdentity, more: NewOrder = {}, key?: string): Promise<Order> => {
      const request = { lines: [{ productId: newId(), quantity: 2 }], ...more };
      const headers = key === undefined ? {} : { "idempotency-key": key };
      return (await orders(customer).createOrder(request, { headers })).order!;
    },
    order: async (id: string): Promise<Order> => (await orders(admin).getOrder({ id })).order!,
    status: async (id: string) => OrderStatus[(await world.order(id)).status],
    /** Until it is so, while time goes by for what is tried again by and by. */
    becomes: async (id: string, status: keyof typeof OrderStatus, stepMs = 1000) => {
      await eventually(async () => {
        const is = await world.status(id);
        if (is !== status) clock.pass(stepMs);
        return is;
      }).toBe(status);
      return world.order(id);
    },
    /** Paid, and its stock sold. */
    paid: async (customer: UserIdentity, more: NewOrder = {}): Promise<Order> => {
      const order = await world.create(customer, more);
      await till.pay(order);
      await eventually(() => stock.state(order.id)).toBe("sold");
      await eventually(() => world.due(order.id)).toEqual([]);
      return world.order(order.id);
    },
    due: async (id: string): Promise<string[]> =>
      (await sql<{ due: string[] }[]>`select due from orders where id = ${id}`)[0]!.due,
    events: async (id: string): Promise<(OrderCreated | OrderStatusUpdated)[]> => {
      const rows = await sql<{ data: Uint8Array; subject: string }[]>`
        select data, subject from weft_outbox order by position`;
      const all = rows.map(({ data, subject }) =>
        subject.endsWith("order.created")
          ? fromBinary(OrderCreatedSchema, data)
          : fromBinary(OrderStatusUpdatedSchema, data),
      );
      return all.filter(({ orderId }) => orderId === id);
    },
    /** What was told of it, in order. */
    told: async (id: string) =>
      (await world.events(id)).map((event) =>
        event.$typeName === "order.v1.OrderCreated"
          ? "created"
          : `${OrderStatus[event.status]}${event.answered ? " answered" : ""}`,
      ),
    statuses: (order: Order) => order.history.map(({ status }) => OrderStatus[status]),
    /** Another instance over the same stores, which may be killed. */
    startReplica: async (fate?: Fate): Promise<Replica> => {
      const stopping = new AbortController();
      const running = await definition.setup({
        ...setup,
        ...(fate && { db: mortalDatabase(setup.db, fate), calls: mortalClients(setup.calls, fate) }),
        metrics: silentMetrics(setup),
        health: silentHealth(setup),
        stopping: stopping.signal,
      } as never);
      replicas.push({ stopping, running, fate });
      const rpc = running.rpc.find((it) => it.contract === (OrderService as DescService))?.handlers;
      const answers = rpc as unknown as Handlers<typeof OrderService>;
      return {
        stopping,
        create: async (customer, more = {}, key) => {
          const request = { lines: [{ productId: newId(), quantity: 2 }], ...more };
          const call = callOf(customer, key === undefined ? {} : { "idempotency-key": key });
          const made = await inHand.run(true, async () =>
            answers.createOrder(create(CreateOrderRequestSchema, request), call),
          );
          return made.order?.id;
        },
        cancel: async (user, id) => {
          const request = create(CancelOrderRequestSchema, { id });
          await inHand.run(true, async () => answers.cancelOrder(request, callOf(user)));
        },
      };
    },
    /** The number with these labels, among others. */
    metric: async (name: string, labels: Record<string, string> = {}): Promise<number> => {
      const samples = (await setup.metrics.read()).flatMap((family) => family.samples);
      const fits = (it: (typeof samples)[number]) =>
        it.name === name && Object.entries(labels).every(([label, value]) => it.labels[label] === value);
      return samples.filter(fits).reduce((sum, { value }) => sum + value, 0);
    },
    health: async () => (await setup.health.report()).dependencies["order steps"],
    /** All is well again. */
    mend: () => {
      stock.down = false;
      till.down = false;
      till.slow = false;
      stock.unitPrice = price;
      stock.heldMs = 60 * 60_000;
      stock.before = async () => {};
      stock.after = async () => {};
      till.before = async () => {};
      till.after = async () => {};
    },
    async [Symbol.asyncDispose]() {
      for (const { stopping, running, fate } of replicas) {
        stopping.abort();
        if (!fate?.dead) await running.stop?.();
      }
      await sql.end();
      await host.stop();
    },
  };
  return world;
}

export type OrderWorld = Awaited<ReturnType<typeof createOrderWorld>>;

export interface Replica {
  create(customer: UserIdentity, more?: NewOrder, key?: string): Promise<string | undefined>;
  cancel(user: UserIdentity, id: string): Promise<void>;
  readonly stopping: AbortController;
}

/** When an instance is killed: after so many things that it does to answer calls. */
export interface Fate {
  left: number;
  dead: boolean;
  /** Called when it is. */
  died: () => void;
}

/** Loops do what they do at any time: only what calls make it do is counted. */
const inHand = new AsyncLocalStorage<boolean>();

const forever = () => new Promise<never>(() => {});

const die = (fate: Fate) => {
  fate.dead = true;
  fate.died();
};

/** Whoever has nothing left to do neither goes on nor fails, as one that was killed. */
async function step(fate: Fate): Promise<void> {
  if (!fate.dead && inHand.getStore() && fate.left-- <= 0) die(fate);
  if (fate.dead) await forever();
}

class Killed extends Error {}

/** Transactions happen or not, and who is killed does not learn which. */
const mortalDatabase = (db: Database, fate: Fate): Database => ({
  ...db,
  sql: new Proxy(db.sql, {
    apply: (target, self, args) => (fate.dead ? forever() : Reflect.apply(target, self, args)),
  }),
  async transaction(work) {
    await step(fate);
    try {
      const result = await db.transaction(async (tx) => {
        const done = await work(tx);
        if (!fate.dead && inHand.getStore() && fate.left-- <= 0) die(fate);
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
});

/** Calls to others are made or not, and who is killed does not learn what came of them. */
function mortalClients<T extends object>(clients: T, fate: Fate): T {
  const mortal = (client: object) =>
    new Proxy(client, {
      get:
        (target, name) =>
        async (...args: unknown[]) => {
          await step(fate);
          const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
          const answer = await method(...args);
          await step(fate);
          return answer;
        },
    });
  return Object.fromEntries(Object.entries(clients).map(([name, it]) => [name, mortal(it)])) as T;
}
