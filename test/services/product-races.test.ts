import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Product } from "#gen/product/v1/product_pb.js";
import { newId, reasonOf } from "#mesh";
import { openDatabase } from "#mesh/db/database.ts";
import { describeOverdue, expire } from "../../services/product/expiry.ts";
import { movesOf } from "../../services/product/stock-moves.ts";
import { moveStocks } from "../../services/product/stocks-store.ts";
import { eventually, often } from "./kit.ts";
import type { ProductWorld } from "./product-world.ts";
import { createProductWorld, newSeller } from "./product-world.ts";

let world: ProductWorld;
const seller = newSeller();
beforeAll(async () => {
  world = await createProductWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** What a call comes to: nothing, or the reason why not. */
const outcomeOf = (call: Promise<unknown>): Promise<string> => call.then(() => "done", reasonOf);
const count = (all: readonly string[], wanted: string) => all.filter((it) => it === wanted).length;
const stateOf = async (orderId: string): Promise<string> => {
  const [row] = await world.sql<
    { state: string }[]
  >`select state from reservations where order_id = ${orderId}`;
  return row?.state ?? "none";
};
const deadlocks = async (): Promise<number> => {
  const [row] = await world.sql<{ deadlocks: string }[]>`
    select deadlocks from pg_stat_database where datname = current_database()`;
  return Number(row?.deadlocks);
};

test("of 200 who want one of the last 10 at once, exactly 10 get one", async () => {
  const product = await world.offer(seller, { stock: 10 });
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, () => outcomeOf(world.reserve(newId(), product, 1))),
  );
  expect(count(outcomes, "done")).toBe(10);
  expect(count(outcomes, "out_of_stock")).toBe(190);
  expect(await world.stockOf(seller, product)).toEqual({ available: 0, reserved: 10, sold: 0 });
  expect(await world.wrongStocks()).toEqual([]);
});

test("one order that asks 50 times at once gets its lines once", async () => {
  const product = await world.offer(seller, { stock: 10 });
  const orderId = newId();
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, () => outcomeOf(world.reserve(orderId, product, 7))),
  );
  expect(count(outcomes, "done")).toBe(50);
  expect(await world.stockOf(seller, product)).toEqual({ available: 3, reserved: 7, sold: 0 });
});

test("orders that want the same things in another order never stand in each other's way for good", async () => {
  const products = await Promise.all(Array.from({ length: 8 }, () => world.offer(seller, { stock: 1000 })));
  const orders = Array.from({ length: 60 }, (_, n) => {
    const turned = [...products.slice(n % 8), ...products.slice(0, n % 8)];
    return { id: newId(), wanted: n % 2 ? turned : turned.toReversed() };
  });
  const finish = async ({ id, wanted }: (typeof orders)[number], index: number) => {
    const lines = wanted.map((it) => ({ productId: it.id, quantity: 1 }));
    await world.reservations.reserve({ orderId: id, lines });
    if (index % 3 > 0) await world.reservations.commit({ orderId: id });
    if (index % 3 < 2) await world.reservations.release({ orderId: id });
  };
  await Promise.all(orders.map(finish));
  for (const product of products) {
    expect(await world.stockOf(seller, product)).toEqual({ available: 980, reserved: 0, sold: 20 });
  }
  expect(await world.wrongStocks()).toEqual([]);
  expect(await deadlocks()).toBe(0);
});

test("a sale and a release of one order at once leave it released, with everything back", async () => {
  const product = await world.offer(seller, { stock: 30 });
  await Promise.all(
    Array.from({ length: 30 }, async () => {
      const orderId = newId();
      const [reserved, sold, released] = await Promise.all([
        outcomeOf(world.reserve(orderId, product, 1)),
        outcomeOf(world.reservations.commit({ orderId })),
        outcomeOf(world.reservations.release({ orderId })),
      ]);
      expect(["done", "reservation_released"]).toContain(reserved);
      expect(["done", "reservation_released", "reservation_not_found"]).toContain(sold);
      expect(released).toBe("done");
    }),
  );
  expect(await world.stockOf(seller, product)).toEqual({ available: 30, reserved: 0, sold: 0 });
  expect(await world.wrongStocks()).toEqual([]);
});

test("replicas that end reservations at once end each of them once", async () => {
  const product = await world.offer(seller, { stock: 150 });
  await often(150, () => world.reserve(newId(), product, 1));
  const db = openDatabase({
    url: world.host.databaseUrl("product"),
    applicationName: "test",
    maxConnections: 5,
  });
  try {
    expect(await describeOverdue(db, world.clock.now())).toBeUndefined();
    // Their clocks are ahead of that of the service, so they have it to themselves.
    const now = () => world.clock.now() + 45 * 60_000;
    expect(await describeOverdue(db, now())).toMatch(/freed 9\d\d s ago/);
    const [held] = await world.sql<{ count: number }[]>`
      select count(*)::int as count from reservations where state = 'held'`;
    let expired = 0;
    const replica = {
      db,
      now,
      events: { publish: async () => "" },
      metrics: {
        reservation: (_outcome: string, more = 1) => {
          expired += more;
        },
      },
      stopping: new AbortController().signal,
    };
    await Promise.all(Array.from({ length: 5 }, () => expire(replica)));
    expect(expired).toBe(held?.count);
  } finally {
    await db.close();
  }
  expect(await world.stockOf(seller, product)).toEqual({ available: 150, reserved: 0, sold: 0 });
  expect(await world.wrongStocks()).toEqual([]);
});

test("what comes free while a reservation waits for its turn is there for it", async () => {
  const product = await world.offer(seller, { stock: 10 });
  const variantId = product.variants[0]!.id;
  const first = newId();
  await world.reserve(first, product, 9);
  const db = openDatabase({
    url: world.host.databaseUrl("product"),
    applicationName: "test",
    maxConnections: 2,
  });
  const move = (way: "reserve" | "release") =>
    db.transaction((tx) => moveStocks(tx, movesOf(newId(), [{ variantId, quantity: 3 }], way), new Date()));
  const waiting = async () => {
    const [row] = await world.sql<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    return row?.count;
  };
  try {
    const after: Promise<unknown>[] = [];
    await world.sql.begin(async (tx) => {
      await tx`select 1 from stocks where variant_id = ${variantId} for update`;
      after.push(world.reservations.release({ orderId: first }));
      await eventually(waiting).toBe(1);
      // It has seen that there is one, when it begins to wait.
      after.push(move("reserve").then(({ done }) => expect(done).toBe(true)));
      await eventually(waiting).toBe(2);
    });
    await Promise.all(after);
    expect(await world.stockOf(seller, product)).toEqual({ available: 7, reserved: 3, sold: 0 });
    await move("release");
  } finally {
    await db.close();
  }
  expect(await world.wrongStocks()).toEqual([]);
});

const orderCount = 5;
const productCount = 3;
const anOrder = fc.nat(orderCount - 1);
const aLine = fc.record({ product: fc.nat(productCount - 1), quantity: fc.integer({ min: 1, max: 4 }) });
const aStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("reserve" as const),
      order: anOrder,
      minutes: fc.constantFrom(1, 100),
      variation: fc.nat(9),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("commit" as const), order: anOrder }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const), order: anOrder }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      product: fc.nat(productCount - 1),
      add: fc.integer({ min: -3, max: 3 }).filter((it) => it !== 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const) }) },
);

const expected: Readonly<Record<string, readonly string[]>> = {
  reserve: ["done", "out_of_stock", "reservation_released", "reservation_expired", "reservation_differs"],
  commit: ["done", "reservation_not_found", "reservation_released", "reservation_expired"],
  release: ["done"],
  add: ["done", "not_enough_stock"],
  pass: ["done"],
};

test("whatever comes at once, nothing is sold twice or lost", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(aLine, { minLength: 1, maxLength: 4 }), {
        minLength: orderCount,
        maxLength: orderCount,
      }),
      fc.array(fc.array(aStep, { minLength: 2, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
      async (wanted, rounds) => {
        const products: Product[] = await Promise.all(
          Array.from({ length: productCount }, () => world.offer(seller, { stock: 6 })),
        );
        const orderIds = wanted.map(() => newId());
        const ends = orderIds.map(() => ({ reserved: false, sold: false, released: false }));

        const take = async (step: (typeof rounds)[number][number]): Promise<string> => {
          switch (step.kind) {
            case "reserve": {
              const lines = (wanted[step.order] ?? []).map(({ product, quantity }) => ({
                productId: products[product]!.id,
                // Now and then an order asks for something else.
                quantity: step.variation === 0 ? quantity + 1 : quantity,
              }));
              const ttl = { seconds: BigInt(step.minutes * 60) };
              const orderId = orderIds[step.order]!;
              return outcomeOf(world.reservations.reserve({ orderId, lines, ttl }));
            }
            case "commit":
              return outcomeOf(world.reservations.commit({ orderId: orderIds[step.order]! }));
            case "release":
              return outcomeOf(world.reservations.release({ orderId: orderIds[step.order]! }));
            case "add": {
              const { id } = products[step.product]!;
              const change = { case: "add" as const, value: step.add };
              return outcomeOf(world.products(seller).setStock({ id, change }));
            }
            case "pass":
              world.clock.pass(2 * 60_000);
              return "done";
          }
        };

        for (const steps of rounds) {
          const outcomes = await Promise.all(steps.map(take));
          for (const [index, step] of steps.entries()) {
            expect(expected[step.kind]).toContain(outcomes[index]);
            if (!("order" in step) || outcomes[index] !== "done") continue;
            const end = ends[step.order]!;
            if (step.kind === "reserve") end.reserved = true;
            if (step.kind === "commit") end.sold = true;
            if (step.kind === "release") end.released = true;
          }
          // The loop that ends reservations goes on meanwhile: one statement sees one state.
          expect(await world.wrongStocks()).toEqual([]);
        }

        for (const [index, { reserved, sold, released }] of ends.entries()) {
          const allowed = released
            ? ["released"]
            : sold
              ? ["sold"]
              : reserved
                ? ["held", "expired"]
                : ["none"];
          expect(allowed).toContain(await stateOf(orderIds[index]!));
        }
      },
    ),
    // What goes wrong between two calls goes wrong otherwise the next time: a smaller example means nothing.
    { numRuns: 30, endOnFailure: true },
  );
  expect(await deadlocks()).toBe(0);
}, 60_000);
