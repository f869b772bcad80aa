import { timestampDate } from "@bufbuild/protobuf/wkt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ProductStatus } from "#gen/product/v1/product_pb.js";
import { ReservationService } from "#gen/product/v1/reservations_pb.js";
import { newId } from "#mesh";
import { often } from "./kit.ts";
import type { ProductWorld } from "./product-world.ts";
import {
  admin,
  createProductWorld,
  euros,
  eventually,
  newSeller,
  reasonOfCall,
  refusal,
  refusals,
} from "./product-world.ts";

let world: ProductWorld;
const seller = newSeller();
beforeAll(async () => {
  world = await createProductWorld();
});
afterEach(async () => {
  expect(await world.wrongStocks()).toEqual([]);
});
afterAll(() => world[Symbol.asyncDispose]());

const minuteMs = 60_000;
const stockOf = (product: { id: string }) => world.stockOf(seller, product);

describe("a reservation", () => {
  test("holds what an order wants and tells what it costs now", async () => {
    const bowl = await world.offer(seller, {
      variants: [
        { sku: "B-1", name: "small" },
        { sku: "B-2", name: "large", price: euros(1500) },
      ],
    });
    const [small, large] = bowl.variants.map(({ id }) => id);
    const cup = await world.offer(seller, { name: "Cup", stock: 5 });
    for (const variantId of [small!, large!]) {
      await world
        .products(seller)
        .setStock({ id: bowl.id, variantId, change: { case: "available", value: 9 } });
    }
    const before = world.clock.now();
    const answer = await world.reservations.reserve({
      orderId: newId(),
      lines: [
        { variantId: large!, quantity: 2 },
        { productId: cup.id, quantity: 1 },
        { productId: bowl.id, variantId: small!.toUpperCase(), quantity: 3 },
      ],
    });
    expect(answer.sellerId).toBe(seller.id);
    expect(answer.lines).toMatchObject([
      {
        productId: bowl.id,
        variantId: large,
        productName: "Bowl",
        variantName: "large",
        sku: "B-2",
        quantity: 2,
        unitPrice: euros(1500),
      },
      {
        productId: cup.id,
        variantId: cup.variants[0]!.id,
        productName: "Cup",
        quantity: 1,
        unitPrice: euros(1000),
      },
      {
        productId: bowl.id,
        variantId: small,
        variantName: "small",
        sku: "B-1",
        quantity: 3,
        unitPrice: euros(1000),
      },
    ]);
    expect(timestampDate(answer.expiresAt!).getTime() - before).toBeGreaterThanOrEqual(30 * minuteMs);
    const { stocks } = await world.products(seller).getStock({ id: bowl.id });
    expect(stocks.map(({ available, reserved }) => [available, reserved])).toEqual([
      [6, 3],
      [7, 2],
    ]);
  });

  test("is the same when it is asked for again, whatever has changed since", async () => {
    const product = await world.offer(seller, { stock: 10 });
    const orderId = newId();
    const first = await world.reserve(orderId, product, 4);
    await world.products(seller).updateProduct({
      id: product.id,
      product: {
        name: "Other",
        price: euros(9),
        status: ProductStatus.PAUSED,
        variants: [{ name: "second" }],
      },
    });
    expect(await world.reserve(orderId.toUpperCase(), product, 4)).toEqual(first);
    expect(await stockOf(product)).toEqual({ available: 6, reserved: 4, sold: 0 });
    await world.reservations.commit({ orderId });
    expect(await world.reserve(orderId, product, 4)).toEqual(first);
  });

  test("of other lines under the same order is refused", async () => {
    const product = await world.offer(seller, { stock: 10 });
    const orderId = newId();
    await world.reserve(orderId, product, 4);
    expect(await refusal(world.reserve(orderId, product, 5))).toMatchObject({
      code: "FailedPrecondition",
      reason: "reservation_differs",
    });
    const other = await world.offer(seller, { stock: 10 });
    expect(await reasonOfCall(world.reserve(orderId, other, 4))).toBe("reservation_differs");
    expect(await stockOf(product)).toEqual({ available: 6, reserved: 4, sold: 0 });
  });

  test("holds nothing when there is not enough of one thing, and names that", async () => {
    const bowl = await world.offer(seller, { name: "Bowl", stock: 5 });
    const cup = await world.offer(seller, { name: "Cup", stock: 2 });
    const orderId = newId();
    const lines = [
      { productId: bowl.id, quantity: 5 },
      { productId: cup.id, quantity: 3 },
    ];
    const refused = await refusal(world.reservations.reserve({ orderId, lines }));
    expect(refused).toMatchObject({
      code: "FailedPrecondition",
      reason: "out_of_stock",
      metadata: { product_id: cup.id, variant_id: cup.variants[0]!.id, wanted: "3", available: "2" },
    });
    expect(refused.message).toContain("Cup");
    expect(await stockOf(bowl)).toEqual({ available: 5, reserved: 0, sold: 0 });
    await world.products(seller).setStock({ id: cup.id, change: { case: "add", value: 1 } });
    await world.reservations.reserve({ orderId, lines });
    expect(await stockOf(cup)).toEqual({ available: 0, reserved: 3, sold: 0 });
  });

  test("counts several lines of one variant together", async () => {
    const product = await world.offer(seller, { stock: 5 });
    const line = { productId: product.id, quantity: 3 };
    expect(
      await refusal(world.reservations.reserve({ orderId: newId(), lines: [line, line] })),
    ).toMatchObject({
      reason: "out_of_stock",
      metadata: { wanted: "6", available: "5" },
    });
    const lines = [{ ...line, quantity: 2 }, line];
    expect((await world.reservations.reserve({ orderId: newId(), lines })).lines).toHaveLength(2);
    expect(await stockOf(product)).toEqual({ available: 0, reserved: 5, sold: 0 });
  });

  test("is of one seller and one currency", async () => {
    const mine = await world.offer(seller, { stock: 5 });
    const hers = await world.offer(newSeller(), { stock: 5 });
    const dollars = await world.offer(seller, { stock: 5, price: { currency: "USD", minorUnits: 1n } });
    const both = (...all: { id: string }[]) =>
      world.reservations.reserve({
        orderId: newId(),
        lines: all.map(({ id }) => ({ productId: id, quantity: 1 })),
      });
    expect(await reasonOfCall(both(mine, hers))).toBe("several_sellers");
    expect(await reasonOfCall(both(mine, dollars))).toBe("several_currencies");
  });

  test("is of what is on sale alone, and says what is not", async () => {
    const paused = await world.offer(seller, { stock: 5, status: ProductStatus.PAUSED });
    const draft = await world.offer(seller, { stock: 5, status: ProductStatus.DRAFT });
    const deleted = await world.offer(seller, { stock: 5 });
    await world.products(seller).deleteProduct({ id: deleted.id });
    for (const { id } of [paused, draft, deleted, { id: newId() }]) {
      expect(await refusal(world.reserve(newId(), { id }, 1))).toMatchObject({
        code: "FailedPrecondition",
        reason: "product_not_for_sale",
        metadata: { product_id: id },
      });
    }
    const bowl = await world.offer(seller, { stock: 5 });
    const lines = [{ productId: bowl.id, variantId: draft.variants[0]!.id, quantity: 1 }];
    expect(await reasonOfCall(world.reservations.reserve({ orderId: newId(), lines }))).toBe(
      "product_not_for_sale",
    );
  });

  test("needs to know which variant where there are several, and which product at all", async () => {
    const product = await world.offer(seller, { variants: [{ name: "a" }, { name: "b" }] });
    expect(await reasonOfCall(world.reserve(newId(), product, 1))).toBe("variant_required");
    const lines = [{ quantity: 1 }];
    expect(await reasonOfCall(world.reservations.reserve({ orderId: newId(), lines }))).toBe(
      "no_product_named",
    );
  });

  test("is refused when what it asks makes no sense", async () => {
    const product = await world.offer(seller, { stock: 5 });
    const line = { productId: product.id, quantity: 1 };
    const tries = [
      { orderId: newId(), lines: [] },
      { orderId: "x", lines: [line] },
      { orderId: newId(), lines: [{ ...line, quantity: 0 }] },
      { orderId: newId(), lines: [{ ...line, quantity: -1 }] },
      { orderId: newId(), lines: [{ ...line, productId: "x" }] },
      { orderId: newId(), lines: Array.from({ length: 101 }, () => line) },
      { orderId: newId(), lines: [line], ttl: { seconds: 0n } },
      { orderId: newId(), lines: [line], ttl: { seconds: 604_801n } },
    ];
    for (const it of tries)
      expect(await reasonOfCall(world.reservations.reserve(it))).toBe("contract_violation");
    expect(await stockOf(product)).toEqual({ available: 5, reserved: 0, sold: 0 });
  });

  test("is for the order service alone", async () => {
    const calls = [{ user: admin }, { service: { name: "payment", scopes: [] } }].map((caller) =>
      world.host.client(ReservationService, { caller }).commit({ orderId: newId() }),
    );
    for (const it of await refusals(calls)) expect(it.code).toBe("PermissionDenied");
  });
});

describe("a reservation ends", () => {
  test("sold when the order is paid, however often that is said", async () => {
    const product = await world.offer(seller, { stock: 10 });
    const orderId = newId();
    await world.reserve(orderId, product, 4);
    for (let n = 0; n < 3; n++) await world.reservations.commit({ orderId });
    expect(await stockOf(product)).toEqual({ available: 6, reserved: 0, sold: 4 });
  });

  test("free again when the order is off, however often that is said", async () => {
    const product = await world.offer(seller, { stock: 10 });
    const orderId = newId();
    await world.reserve(orderId, product, 4);
    for (let n = 0; n < 3; n++) await world.reservations.release({ orderId });
    expect(await stockOf(product)).toEqual({ available: 10, reserved: 0, sold: 0 });
    expect(await refusal(world.reservations.commit({ orderId }))).toMatchObject({
      code: "FailedPrecondition",
      reason: "reservation_released",
    });
    expect(await reasonOfCall(world.reserve(orderId, product, 4))).toBe("reservation_released");
  });

  test("with everything back when the order is off after it was paid", async () => {
    const product = await world.offer(seller, { stock: 10 });
    const orderId = newId();
    await world.reserve(orderId, product, 4);
    await world.reservations.commit({ orderId });
    for (let n = 0; n < 3; n++) await world.reservations.release({ orderId });
    expect(await stockOf(product)).toEqual({ available: 10, reserved: 0, sold: 0 });
  });

  test("before it begins, when the order is off by then", async () => {
    const product = await world.offer(seller, { stock: 10 });
    const orderId = newId();
    await world.reservations.release({ orderId });
    await world.reservations.release({ orderId });
    expect(await refusal(world.reserve(orderId, product, 1))).toMatchObject({
      code: "FailedPrecondition",
      reason: "reservation_released",
    });
    expect(await stockOf(product)).toEqual({ available: 10, reserved: 0, sold: 0 });
  });

  test("never, when there was none", async () => {
    expect(await refusal(world.reservations.commit({ orderId: newId() }))).toMatchObject({
      code: "NotFound",
      reason: "reservation_not_found",
    });
  });

  test("as it should when the variant is no more, and the product neither", async () => {
    const product = await world.offer(seller, { stock: 10 });
    const [released, sold] = [newId(), newId()];
    await world.reserve(released, product, 4);
    await world.reserve(sold, product, 3);
    await world.products(seller).deleteProduct({ id: product.id });
    await world.reservations.release({ orderId: released });
    await world.reservations.commit({ orderId: sold });
    const [stock] =
      await world.sql`select available, reserved, sold from stocks where product_id = ${product.id}`;
    expect(stock).toEqual({ available: "7", reserved: "0", sold: "3" });
  });
});

describe("a reservation whose time is over", () => {
  test("is free again, and says so", async () => {
    const product = await world.offer(seller, { stock: 10 });
    const [short, long] = [newId(), newId()];
    await world.reserve(short, product, 4, { ttl: { seconds: 60n } });
    await world.reserve(long, product, 1, { ttl: { seconds: 604_800n } });
    world.clock.pass(61_000);
    await eventually(() => stockOf(product)).toEqual({ available: 9, reserved: 1, sold: 0 });
    expect(await reasonOfCall(world.reserve(short, product, 4))).toBe("reservation_expired");
    await world.reservations.release({ orderId: short });
    expect(await reasonOfCall(world.reservations.commit({ orderId: short }))).toBe("reservation_released");
  });

  test("is sold all the same as long as there is enough", async () => {
    const product = await world.offer(seller, { stock: 5 });
    const orderId = newId();
    await world.reserve(orderId, product, 4);
    world.clock.pass(31 * minuteMs);
    await eventually(() => stockOf(product)).toEqual({ available: 5, reserved: 0, sold: 0 });
    await world.reservations.commit({ orderId });
    await world.reservations.commit({ orderId });
    expect(await stockOf(product)).toEqual({ available: 1, reserved: 0, sold: 4 });
  });

  test("is not sold when others have taken it meanwhile, until there is enough again", async () => {
    const product = await world.offer(seller, { stock: 5 });
    const [late, other] = [newId(), newId()];
    await world.reserve(late, product, 4);
    world.clock.pass(31 * minuteMs);
    await eventually(() => stockOf(product)).toEqual({ available: 5, reserved: 0, sold: 0 });
    await world.reserve(other, product, 2);
    expect(await refusal(world.reservations.commit({ orderId: late }))).toMatchObject({
      code: "FailedPrecondition",
      reason: "reservation_expired",
    });
    expect(await stockOf(product)).toEqual({ available: 3, reserved: 2, sold: 0 });
    await world.reservations.release({ orderId: other });
    await world.reservations.commit({ orderId: late });
    expect(await stockOf(product)).toEqual({ available: 1, reserved: 0, sold: 4 });
  });

  test("is free again, however many end at once", async () => {
    const product = await world.offer(seller, { stock: 200 });
    await often(120, () => world.reserve(newId(), product, 1));
    expect(await stockOf(product)).toEqual({ available: 80, reserved: 120, sold: 0 });
    world.clock.pass(31 * minuteMs);
    await eventually(() => stockOf(product)).toEqual({ available: 200, reserved: 0, sold: 0 });
  });
});
