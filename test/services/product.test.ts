import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProductStatus } from "#gen/product/v1/product_pb.js";
import { newId } from "#mesh";
import type { ProductWorld } from "./product-world.ts";
import {
  admin,
  createProductWorld,
  customer,
  euros,
  newSeller,
  reasonOfCall,
  refusal,
  refusals,
  userWith,
} from "./product-world.ts";

let world: ProductWorld;
const seller = newSeller();
beforeAll(async () => {
  world = await createProductWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const mine = () => world.products(seller);
const read = async (id: string, user = customer) => (await world.products(user).getProduct({ id })).product!;
const create = (more: object) => mine().createProduct({ name: "Bowl", price: euros(1000), ...more });
const update = async (id: string, product: object, ...paths: string[]) =>
  (await mine().updateProduct({ id, product, ...(paths.length > 0 && { updateMask: { paths } }) })).product!;

describe("a product", () => {
  test("is read as it was written, in whatever script", async () => {
    const imageFileIds = [newId(), newId()];
    const written = {
      name: "🧵 قماش كتّان עברית",
      description: 'Two\nlines, "quoted" \\ and 日本語',
      category: "home/kitchen-ware",
      price: { currency: "JPY", minorUnits: 1_000_000_000_000n },
      imageFileIds,
      variants: [
        { sku: "ق-1", name: "أحمر", attributes: { لون: "أحمر", "🎨": "🟥" } },
        { sku: "B", name: "", price: { currency: "JPY", minorUnits: 1n } },
      ],
    };
    const { product } = await create(written);
    expect(product).toMatchObject({
      ...written,
      sellerId: seller.id,
      status: ProductStatus.ON_SALE,
      inStock: false,
    });
    expect(await read(product!.id)).toEqual(product);
    const [listed] = (await world.products().listProducts({ query: "كتّان" })).products;
    expect(listed).toEqual(product);
  });

  test("has one variant where none are named, with the stock that is said", async () => {
    const { product } = await create({ stock: 7 });
    expect(product).toMatchObject({ inStock: true, variants: [{ sku: "", name: "" }] });
    expect(await world.stockOf(seller, product!)).toMatchObject({ available: 7 });
    const variants = [{ name: "a" }, { name: "b" }];
    expect(await reasonOfCall(create({ variants, stock: 1 }))).toBe("variant_required");
  });

  test("keeps its text without NUL, which PostgreSQL knows no place for", async () => {
    const { product } = await create({
      name: "a\0b",
      description: "\0",
      variants: [{ name: "\0", sku: "\0x", attributes: { "k\0": "\0" } }],
    });
    expect(product).toMatchObject({
      name: "a\u{fffd}b",
      variants: [{ name: "\u{fffd}", sku: "\u{fffd}x", attributes: { "k\u{fffd}": "\u{fffd}" } }],
    });
    expect((await world.products().listProducts({ query: "\0", category: "\0" })).products).toEqual([]);
  });

  test.each([
    ["a negative price", { price: euros(-1) }, "contract_violation"],
    ["a price above all bounds", { price: euros(1_000_000_000_001n) }, "contract_violation"],
    ["an unknown currency", { price: { currency: "XXX", minorUnits: 1n } }, "contract_violation"],
    ["no price", { price: undefined }, "contract_violation"],
    ["a price of nothing", { price: euros(0) }, "price_is_nothing"],
    ["a variant that costs nothing", { variants: [{ price: euros(0) }] }, "price_is_nothing"],
    ["no name", { name: "" }, "contract_violation"],
    ["a blank name", { name: " \n " }, "blank_name"],
    ["a category that is no path", { category: "Home/" }, "contract_violation"],
    ["a negative stock", { stock: -1 }, "contract_violation"],
    ["101 variants", { variants: Array.from({ length: 101 }, () => ({})) }, "contract_violation"],
    [
      "a variant in another currency",
      { variants: [{ price: { currency: "USD", minorUnits: 1n } }] },
      "currency_differs",
    ],
    ["a negative price of a variant", { variants: [{ price: euros(-1) }] }, "contract_violation"],
    ["a variant that is none of its own", { variants: [{ id: newId() }] }, "unknown_variant"],
    ["a sku twice", { variants: [{ sku: "twice" }, { sku: " twice " }] }, "duplicate_sku"],
  ])("is refused with %s", async (_what, more, reason) => {
    expect(await refusal(create(more))).toMatchObject({ code: "InvalidArgument", reason });
  });

  test("may have a long name and 100 variants", async () => {
    const name = "🧵".repeat(200);
    const variants = Array.from({ length: 100 }, (_, n) => ({ name: `${n}`, sku: `many-${n}` }));
    const { product } = await create({ name, variants });
    expect(product!.variants.map((it) => it.sku)).toEqual(variants.map((it) => it.sku));
    expect((await create({ name: "\u{fdfa}".repeat(200) })).product).toBeDefined();
    expect(await reasonOfCall(update(product!.id, { variants: [{ name: "one more" }] }))).toBe(
      "too_many_variants",
    );
  });

  test("has skus that its seller has nowhere else, until it is gone", async () => {
    const first = (await create({ variants: [{ sku: "S-1" }] })).product!;
    expect(await refusal(create({ variants: [{ sku: "S-1" }] }))).toMatchObject({
      code: "AlreadyExists",
      reason: "sku_taken",
    });
    await world.offer(newSeller(), { variants: [{ sku: "S-1" }] });
    await mine().deleteProduct({ id: first.id });
    await create({ variants: [{ sku: "S-1" }] });
  });
});

describe("an update", () => {
  test("changes what the mask names, also to nothing", async () => {
    const { id } = (await create({ description: "old", category: "a/b", imageFileIds: [newId()] })).product!;
    const masked = { name: "ignored", price: euros(5) };
    const product = await update(id, masked, "description", "category", "image_file_ids", "price");
    expect(product).toMatchObject({
      name: "Bowl",
      description: "",
      category: "",
      imageFileIds: [],
      price: euros(5),
    });
    expect(await read(id)).toEqual(product);
  });

  test("changes what is set when there is no mask", async () => {
    const { id } = (await create({ description: "old", category: "a/b" })).product!;
    expect(await update(id, { description: "new", status: ProductStatus.PAUSED })).toMatchObject({
      name: "Bowl",
      description: "new",
      category: "a/b",
      status: ProductStatus.PAUSED,
      price: euros(1000),
    });
  });

  test.each([
    ["a name that is empty", {}, ["name"], "blank_name"],
    ["a price that is not there", {}, ["price"], "price_required"],
    ["no status", {}, ["status"], "status_required"],
    ["no variants", {}, ["variants"], "no_variants"],
    ["a field that it does not have", {}, ["seller_id"], "unknown_field"],
    ["a status that does not exist", { status: 9 }, [], "contract_violation"],
    ["a variant of another product", { variants: [{ id: newId() }] }, [], "unknown_variant"],
  ])("is refused with %s", async (_what, product, paths, reason) => {
    const { id } = (await create({})).product!;
    expect(await refusal(update(id, product, ...paths))).toMatchObject({ code: "InvalidArgument", reason });
  });

  test("keeps variants that are named, adds those that are new, and removes the rest when the mask says so", async () => {
    const { id, variants } = (await create({ variants: [{ name: "a" }, { name: "b" }, { name: "c" }] }))
      .product!;
    const [a, b, c] = variants.map((it) => it.id);
    await mine().setStock({ id, variantId: b!, change: { case: "available", value: 3 } });
    const given = [{ id: c!.toUpperCase(), name: "C" }, { name: "d" }, { id: b!, name: "b" }];
    const product = await update(id, { variants: given }, "variants");
    expect(product.variants.map((it) => it.name)).toEqual(["C", "d", "b"]);
    expect(product.variants.map((it) => it.id)).toEqual([c, expect.any(String), b]);
    const { stocks } = await mine().getStock({ id });
    expect(stocks.map(({ available }) => available)).toEqual([0, 0, 3]);
    expect(
      await reasonOfCall(mine().setStock({ id, variantId: a!, change: { case: "add", value: 1 } })),
    ).toBe("variant_not_found");

    const more = await update(id, { variants: [{ id: b!, name: "B" }, { name: "e" }] });
    expect(more.variants.map((it) => it.name)).toEqual(["C", "d", "B", "e"]);
    const twice = { variants: [{ id: b! }, { id: b! }] };
    expect(await reasonOfCall(update(id, twice, "variants"))).toBe("duplicate_variant");
  });

  test("lets two variants change their skus with each other", async () => {
    const { id, variants } = (await create({ variants: [{ sku: "X-1" }, { sku: "X-2" }] })).product!;
    const [first, second] = variants.map((it) => it.id);
    const swapped = await update(id, {
      variants: [
        { id: first!, sku: "X-2" },
        { id: second!, sku: "X-1" },
      ],
    });
    expect(swapped.variants.map(({ sku }) => sku)).toEqual(["X-2", "X-1"]);
  });

  test("to another currency takes the prices of all variants along, or is refused", async () => {
    const { id, variants } = (await create({ variants: [{ name: "a", price: euros(5) }] })).product!;
    const dollars = { currency: "USD", minorUnits: 7n };
    expect(await reasonOfCall(update(id, { price: dollars }))).toBe("currency_differs");
    const repriced = await update(id, {
      price: dollars,
      variants: [{ id: variants[0]!.id, price: dollars }],
    });
    expect(repriced).toMatchObject({ price: dollars, variants: [{ price: dollars }] });
  });

  test("takes away a variant that is reserved, whose pieces are accounted for all the same", async () => {
    const product = await world.offer(seller, { stock: 5 });
    const orderId = newId();
    await world.reserve(orderId, product, 2);
    await update(product.id, { variants: [{ name: "other" }] }, "variants");
    await world.reservations.commit({ orderId });
    expect((await mine().getStock({ id: product.id })).stocks).toHaveLength(1);
    expect(await world.wrongStocks()).toEqual([]);
  });
});

describe("a product belongs to its seller", () => {
  test("who alone changes it, with the admins", async () => {
    const product = await world.offer(seller, { stock: 5 });
    const other = world.products(newSeller());
    const tries = [
      other.updateProduct({ id: product.id, product: { name: "mine" } }),
      other.deleteProduct({ id: product.id }),
      other.setStock({ id: product.id, change: { case: "available", value: 0 } }),
    ];
    for (const it of await refusals(tries))
      expect(it).toMatchObject({ code: "PermissionDenied", reason: "not_yours" });
    const byAdmin = world.products(admin);
    await byAdmin.setStock({ id: product.id, change: { case: "available", value: 9 } });
    const changed = await byAdmin.updateProduct({ id: product.id, product: { name: "theirs" } });
    expect(changed.product).toMatchObject({ name: "theirs", sellerId: seller.id });
    await byAdmin.deleteProduct({ id: product.id });
  });

  test("and is seen by her and the admins alone while it is a draft", async () => {
    const { id } = await world.offer(seller, { status: ProductStatus.DRAFT, category: "drafts" });
    for (const user of [customer, newSeller()]) {
      const api = world.products(user);
      const tries = [api.getProduct({ id }), api.getStock({ id })];
      for (const it of await refusals(tries)) {
        expect(it).toMatchObject({ code: "NotFound", reason: "product_not_found" });
      }
      expect((await api.listProducts({ category: "drafts" })).products).toEqual([]);
    }
    const stranger = world.products(newSeller());
    const tries = [
      stranger.updateProduct({ id, product: { name: "x" } }),
      stranger.deleteProduct({ id }),
      stranger.setStock({ id, change: { case: "add", value: 1 } }),
    ];
    for (const it of await refusals(tries)) expect(it.reason).toBe("product_not_found");
    for (const user of [seller, admin]) {
      expect(await read(id, user)).toMatchObject({ id, status: ProductStatus.DRAFT });
      const { products } = await world.products(user).listProducts({ category: "drafts" });
      expect(products.map((it) => it.id)).toEqual([id]);
    }
  });

  test("and is paused for all to see, but not in their lists", async () => {
    const { id } = await world.offer(seller, { status: ProductStatus.PAUSED, category: "paused", stock: 3 });
    expect(await read(id)).toMatchObject({ status: ProductStatus.PAUSED, inStock: false });
    expect((await world.products().listProducts({ category: "paused" })).products).toEqual([]);
    expect((await mine().listProducts({ category: "paused" })).products).toHaveLength(1);
  });

  test("and nobody else may so much as try", async () => {
    const calls = [
      world.products(customer).createProduct({ name: "x", price: euros(1) }),
      world.products(userWith("product:write")).deleteProduct({ id: newId() }),
    ];
    for (const it of await refusals(calls)) expect(it.code).toBe("PermissionDenied");
  });
});

test("a product that is deleted is gone for everybody, and deleting it again is fine", async () => {
  const { id } = await world.offer(seller, { category: "gone", stock: 3 });
  await mine().deleteProduct({ id });
  await mine().deleteProduct({ id });
  for (const user of [seller, admin, customer]) {
    expect(await reasonOfCall(world.products(user).getProduct({ id }))).toBe("product_not_found");
    expect((await world.products(user).listProducts({ category: "gone" })).products).toEqual([]);
  }
  expect(await reasonOfCall(update(id, { name: "again" }))).toBe("product_not_found");
  expect(await reasonOfCall(mine().setStock({ id, change: { case: "add", value: 1 } }))).toBe(
    "product_not_found",
  );
  expect(await reasonOfCall(world.products(newSeller()).deleteProduct({ id }))).toBe("product_not_found");
});
