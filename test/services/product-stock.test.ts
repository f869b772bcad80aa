import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ProductStockUpdated } from "#gen/product/v1/events_pb.js";
import { StockChange } from "#gen/product/v1/events_pb.js";
import { ProductStatus } from "#gen/product/v1/product_pb.js";
import { newId } from "#mesh";
import type { ProductWorld } from "./product-world.ts";
import {
  admin,
  createProductWorld,
  customer,
  euros,
  eventually,
  newSeller,
  reasonOfCall,
  refusal,
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

const set = async (id: string, more: object) =>
  (await world.products(seller).setStock({ id, ...more })).stock!;
const add = (value: number) => ({ change: { case: "add" as const, value } });
const available = (value: number) => ({ change: { case: "available" as const, value } });

describe("the stock", () => {
  test("is set to a number, or by how much it changes", async () => {
    const { id } = await world.offer(seller, { stock: 5 });
    expect((await set(id, available(8))).available).toBe(8);
    expect((await set(id, add(-3))).available).toBe(5);
    expect((await set(id, add(2))).available).toBe(7);
    expect((await set(id, available(0))).available).toBe(0);
  });

  test("is set beside what is reserved", async () => {
    const product = await world.offer(seller, { stock: 5 });
    await world.reserve(newId(), product, 2);
    expect(await set(product.id, available(10))).toMatchObject({ available: 10, reserved: 2 });
  });

  test("never falls below nothing, nor rises above all bounds", async () => {
    const { id } = await world.offer(seller, { stock: 5 });
    expect(await refusal(set(id, add(-6)))).toMatchObject({
      code: "FailedPrecondition",
      reason: "not_enough_stock",
      metadata: { available: "5" },
    });
    expect(await reasonOfCall(set(id, add(1_000_000_000)))).toBe("too_much_stock");
    for (const change of [available(-1), available(1_000_000_001), add(-1_000_000_001)]) {
      expect(await reasonOfCall(set(id, change))).toBe("contract_violation");
    }
    expect(await world.stockOf(seller, { id })).toMatchObject({ available: 5 });
  });

  test("is right when many change it at once", async () => {
    const product = await world.offer(seller, { stock: 10 });
    await Promise.all(Array.from({ length: 40 }, (_, n) => set(product.id, add(n % 2 ? -1 : 2))));
    expect(await world.stockOf(seller, product)).toMatchObject({ available: 30 });
  });

  test("is of the variant that is named, and it must be where there are several", async () => {
    const { id, variants } = await world.offer(seller, { variants: [{ name: "a" }, { name: "b" }] });
    expect(await reasonOfCall(set(id, available(1)))).toBe("variant_required");
    await set(id, { variantId: variants[1]!.id.toUpperCase(), ...available(4) });
    const { stocks } = await world.products(seller).getStock({ id });
    expect(stocks.map((it) => [it.variantId, it.available])).toEqual([
      [variants[0]!.id, 0],
      [variants[1]!.id, 4],
    ]);
    expect(await refusal(set(id, { variantId: newId(), ...available(1) }))).toMatchObject({
      code: "NotFound",
      reason: "variant_not_found",
    });
    expect(await reasonOfCall(set(id, { variantId: variants[0]!.id }))).toBe("nothing_to_set");
  });

  test("hides from strangers what is reserved and sold", async () => {
    const product = await world.offer(seller, { stock: 9 });
    const sold = newId();
    await world.reserve(sold, product, 2);
    await world.reservations.commit({ orderId: sold });
    await world.reserve(newId(), product, 3);
    for (const user of [seller, admin]) {
      expect(await world.stockOf(user, product)).toEqual({ available: 4, reserved: 3, sold: 2 });
    }
    for (const user of [customer, newSeller()]) {
      expect(await world.stockOf(user, product)).toEqual({ available: 4, reserved: 0, sold: 0 });
    }
  });

  test("has a history that nobody rewrites", async () => {
    await world.offer(seller, { stock: 1 });
    const tries = [
      world.sql`update stock_movements set available = 5`,
      world.sql`delete from stock_movements`,
      world.sql`truncate stock_movements`,
    ];
    for (const it of tries) await expect(it).rejects.toThrow("only ever added to");
  });
});

describe("what becomes of a product is told", () => {
  test("when it is made, changed and deleted", async () => {
    const product = await world.offer(seller, { category: "home" });
    const { id } = product;
    const api = world.products(seller);
    await api.updateProduct({ id, product: { name: "Other", price: euros(5), category: "home" } });
    await api.updateProduct({ id, product: { name: "Other", variants: product.variants } });
    await api.updateProduct({ id, product: { status: ProductStatus.PAUSED, variants: [{ name: "b" }] } });
    await api.deleteProduct({ id });
    await api.deleteProduct({ id });
    const common = { productId: id, sellerId: seller.id };
    await eventually(() => world.toldOf(product)).toMatchObject([
      { $typeName: "product.v1.ProductCreated", ...common, category: "home" },
      { $typeName: "product.v1.ProductUpdated", ...common, fields: ["name", "price"], deleted: false },
      { $typeName: "product.v1.ProductUpdated", ...common, fields: ["status", "variants"], deleted: false },
      { $typeName: "product.v1.ProductUpdated", ...common, fields: [], deleted: true },
    ]);
  });

  test("with every change of its stock, and when that runs low", async () => {
    const product = await world.offer(seller, { stock: 10 });
    await set(product.id, { lowStockThreshold: 4 });
    const [sold, released, expired] = [newId(), newId(), newId()];
    await world.reserve(sold, product, 5);
    await world.reserve(released, product, 1);
    await world.reservations.commit({ orderId: sold });
    await world.reservations.release({ orderId: released });
    await world.reserve(expired, product, 5);
    await world.reservations.release({ orderId: sold });
    world.clock.pass(31 * 60_000);
    await eventually(() => world.stockOf(seller, product)).toEqual({ available: 10, reserved: 0, sold: 0 });
    await set(product.id, add(-8));
    await set(product.id, add(0));

    const told = async () =>
      ((await world.toldOf(product)).slice(1) as ProductStockUpdated[]).map(
        ({ change, delta, available, reserved, becameLow, orderId }) => [
          StockChange[change],
          delta,
          available,
          reserved,
          becameLow,
          orderId,
        ],
      );
    await eventually(told).toEqual([
      ["SET", 10, 10, 0, false, ""],
      ["SET", 0, 10, 0, false, ""],
      ["RESERVED", -5, 5, 5, false, sold],
      ["RESERVED", -1, 4, 6, true, released],
      ["SOLD", 0, 4, 1, false, sold],
      ["RELEASED", 1, 5, 0, false, released],
      ["RESERVED", -5, 0, 5, true, expired],
      ["RETURNED", 5, 5, 5, false, sold],
      ["EXPIRED", 5, 10, 0, false, expired],
      ["SET", -8, 2, 0, true, ""],
    ]);
  });

  test("when a new threshold makes low what was not", async () => {
    const product = await world.offer(seller, { stock: 3 });
    expect(await set(product.id, { lowStockThreshold: 3 })).toMatchObject({
      isLow: true,
      lowStockThreshold: 3,
    });
    await eventually(async () => (await world.toldOf(product)).at(-1)).toMatchObject({
      becameLow: true,
      lowStockThreshold: 3,
      productName: product.name,
      variantName: product.variants[0]?.name,
    });
  });

  test("only if it happened", async () => {
    const product = await world.offer(seller, { stock: 1 });
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => world.reserve(newId(), product, 1)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await set(product.id, add(1));
    await eventually(async () => (await world.toldOf(product)).length).toBe(4);
    const told = (await world.toldOf(product)).slice(1) as ProductStockUpdated[];
    expect(told.map(({ change }) => StockChange[change])).toEqual(["SET", "RESERVED", "SET"]);
  });
});
