import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "#mesh";
import { encodePage } from "#mesh/db/page.ts";
import type { ProductWorld } from "./product-world.ts";
import { createProductWorld, euros, newSeller, reasonOfCall } from "./product-world.ts";

let world: ProductWorld;
const seller = newSeller();
beforeAll(async () => {
  world = await createProductWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const list = async (request: object) => (await world.products().listProducts(request)).products;
const namesOf = async (request: object) => (await list(request)).map(({ name }) => name).sort();

describe("a search", () => {
  const category = "search";
  const search = (query: string) => namesOf({ query, category });
  beforeAll(async () => {
    const offers = [
      { name: "Linen apron", description: "Sewn by hand" },
      { name: "Cotton apron", description: "Goes with a linen shirt", variants: [{ sku: "AP-77/x" }] },
      { name: "Oil lamp", category: "search/light" },
      { name: "ÉTAGÈRE en chêne" },
    ];
    for (const offer of offers) await world.offer(seller, { category, ...offer });
  });

  test("finds words of the name, the description, the category and the sku", async () => {
    expect(await search("linen")).toEqual(["Cotton apron", "Linen apron"]);
    expect(await search("LINEN hand")).toEqual(["Linen apron"]);
    expect(await search("light")).toEqual(["Oil lamp"]);
    expect(await search("AP-77/x")).toEqual(["Cotton apron"]);
    expect(await search("étagère")).toEqual(["ÉTAGÈRE en chêne"]);
  });

  test("takes words together and leaves words out", async () => {
    expect(await search('"linen apron"')).toEqual(["Linen apron"]);
    expect(await search("apron -linen")).toEqual([]);
    expect(await search("linen -shirt")).toEqual(["Linen apron"]);
    expect(await search("lamp or cotton")).toEqual(["Cotton apron", "Oil lamp"]);
  });

  test("follows what changes", async () => {
    const product = await world.offer(seller, {
      category,
      name: "Draughtboard",
      variants: [{ sku: "OLD-1" }],
    });
    await world.products(seller).updateProduct({
      id: product.id,
      product: { name: "Chessboard", variants: [{ id: product.variants[0]!.id, sku: "NEW-1" }] },
    });
    expect(await search("draughtboard")).toEqual([]);
    expect(await search("old-1")).toEqual([]);
    expect(await search("chessboard new-1")).toEqual(["Chessboard"]);
  });

  test("is answered whatever is asked: no words end it for others", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("-", "- ", " ", '"', "a", "or", "-a", "|", "&", "(", "!", "é", ":*", "\\"), {
          maxLength: 100,
        }),
        async (parts) => {
          await search(parts.join("").slice(0, 200));
        },
      ),
      {
        numRuns: 150,
        examples: [[Array(200).fill("-")], [Array(100).fill("- ")], [["a ", ...Array(60).fill("-")]]],
      },
    );
    expect(await search("-".repeat(33))).toEqual([]);
  });

  test("makes nothing of signs that mean nothing", async () => {
    for (const query of ["'", '"', "\\", "%", ":*", "& | !", "()", "--", "🧵", "\u202e"]) {
      expect(await search(query)).toEqual([]);
    }
  });

  test("brings what fits best first", async () => {
    const found = await list({ query: "linen", category, orderBy: "relevance" });
    expect(found.map(({ name }) => name)).toEqual(["Linen apron", "Cotton apron"]);
    expect(await reasonOfCall(list({ orderBy: "relevance" }))).toBe("query_required");
  });
});

describe("a list", () => {
  test("of a category has what is in it, and not what is called alike", async () => {
    for (const category of [
      "home",
      "home/kitchen",
      "home/kitchen/knives",
      "home-office",
      "home/kitchenette",
      "homes",
    ]) {
      await world.offer(seller, { name: category, category });
    }
    expect(await namesOf({ category: "home/kitchen" })).toEqual(["home/kitchen", "home/kitchen/knives"]);
    expect(await namesOf({ category: "home/" })).toHaveLength(4);
    expect(await namesOf({ category: "home%" })).toEqual([]);
  });

  test("of a seller has hers", async () => {
    const other = newSeller();
    await world.offer(other, { name: "hers" });
    expect(await namesOf({ sellerId: other.id.toUpperCase() })).toEqual(["hers"]);
    expect(await namesOf({ sellerId: newId() })).toEqual([]);
  });

  test("between two prices goes by those of the variants", async () => {
    const category = "prices";
    const dollars = { currency: "USD", minorUnits: 500n };
    await world.offer(seller, { category, name: "500", price: euros(500) });
    await world.offer(seller, { category, name: "USD", price: dollars });
    await world.offer(seller, {
      category,
      name: "100 and 900",
      price: euros(500),
      variants: [{ price: euros(100) }, { price: euros(900) }],
    });
    const between = (minPrice?: bigint, maxPrice?: bigint, currency = "EUR") =>
      namesOf({
        category,
        currency,
        ...(minPrice !== undefined && { minPrice }),
        ...(maxPrice !== undefined && { maxPrice }),
      });
    expect(await between(400n, 600n)).toEqual(["500"]);
    expect(await between(500n, 500n)).toEqual(["500"]);
    expect(await between(501n)).toEqual(["100 and 900"]);
    expect(await between(undefined, 100n)).toEqual(["100 and 900"]);
    expect(await between(undefined, undefined, "usd")).toEqual(["USD"]);
    expect(await reasonOfCall(between(1n, 2n, ""))).toBe("currency_required");
    expect(await reasonOfCall(between(1n, 2n, "XXX"))).toBe("contract_violation");
    expect(await reasonOfCall(between(2n, 1n))).toBe("bad_price_range");
    expect(await reasonOfCall(between(-1n))).toBe("contract_violation");
  });

  test("of what is in stock has what can be ordered now, for such a price", async () => {
    const category = "in-stock";
    const full = await world.offer(seller, { category, name: "full", stock: 1 });
    await world.offer(seller, { category, name: "empty" });
    const half = await world.offer(seller, {
      category,
      name: "dear one only",
      variants: [{ price: euros(10) }, { price: euros(90) }],
    });
    await world.products(seller).setStock({
      id: half.id,
      variantId: half.variants[1]!.id,
      change: { case: "available", value: 1 },
    });
    const inStock = (more: object = {}) => namesOf({ category, inStock: true, currency: "EUR", ...more });
    expect(await inStock()).toEqual(["dear one only", "full"]);
    expect(await inStock({ maxPrice: 50n })).toEqual([]);
    expect(await inStock({ minPrice: 50n, maxPrice: 100n })).toEqual(["dear one only"]);
    await world.reserve(newId(), full, 1);
    expect(await inStock()).toEqual(["dear one only"]);
  });
});

describe("pages", () => {
  const category = "paging";
  beforeAll(async () => {
    for (let n = 0; n < 23; n++) {
      await world.offer(seller, {
        category,
        // Many of the same key, so that the id must tell them apart.
        name: `${n % 2 ? "cloth" : "Cloth"} ${"cloth ".repeat(n % 3)}`,
        price: { currency: n % 4 ? "EUR" : "GBP", minorUnits: BigInt(1 + (n % 5)) },
        description: `number ${n}`,
      });
    }
  });
  const orders = ["", "created_at", "created_at desc", "price", "price desc", "name", "relevance"];

  test.each(orders)("in the order '%s' have everything once", async (orderBy) => {
    const request = { category, orderBy, query: "cloth" };
    const whole = (await list({ ...request, pageSize: 200 })).map(({ id }) => id);
    expect(new Set(whole).size).toBe(23);
    const paged: string[] = [];
    let pageToken = "";
    do {
      const page = await world.products().listProducts({ ...request, pageSize: 4, pageToken });
      expect(page.products.length).toBeLessThanOrEqual(4);
      paged.push(...page.products.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken);
    expect(paged).toEqual(whole);
  });

  test("are sorted as was asked for", async () => {
    const all = async (orderBy: string) => list({ category, orderBy, pageSize: 200 });
    const prices = (await all("price")).map(({ price }) => `${price!.currency} ${price!.minorUnits}`);
    expect(prices).toEqual(prices.toSorted());
    const dear = (await all("price desc")).map(({ price }) => `${price!.currency} ${price!.minorUnits}`);
    expect(dear).toEqual(prices.toReversed());
    const names = (await all("name")).map(({ name }) => name.trim().toLowerCase());
    expect(names).toEqual(names.toSorted());
    const newest = (await all("")).map(({ id }) => id);
    expect(newest).toEqual((await all("created_at")).map(({ id }) => id).toReversed());
  });

  test("begin only where a page ended", async () => {
    const id = newId();
    const tokens = [
      "x",
      encodePage(["created_at desc", "2026-02-30T00:00:00.000Z", id]),
      encodePage(["created_at desc", "x", id]),
      encodePage(["created_at", "2026-02-20T00:00:00.000Z", id]),
      encodePage(["created_at desc", "2026-02-20T00:00:00.000Z", "x"]),
    ];
    for (const pageToken of tokens) expect(await reasonOfCall(list({ pageToken }))).toBe("bad_page_token");
    const others = [
      { orderBy: "price", pageToken: encodePage(["price", "EUR", "-1", id]) },
      { orderBy: "price", pageToken: encodePage(["price", "1", id]) },
      { orderBy: "name", pageToken: encodePage(["name", "a\0", id]) },
      { orderBy: "relevance", query: "x", pageToken: encodePage(["relevance", "1e999", id]) },
    ];
    for (const it of others) expect(await reasonOfCall(list(it))).toBe("bad_page_token");
    const tiny = { orderBy: "relevance", query: "cloth", pageToken: encodePage(["relevance", "1e-45", id]) };
    expect(await list(tiny)).toEqual([]);
  });

  test("are of a size that the contract allows", async () => {
    expect(await reasonOfCall(list({ pageSize: 201 }))).toBe("contract_violation");
    expect(await reasonOfCall(list({ pageSize: -1 }))).toBe("contract_violation");
    expect(await reasonOfCall(list({ orderBy: "id" }))).toBe("contract_violation");
  });
});

test("products with much text are refused, and those with less fit into a page", async () => {
  const category = "large";
  const variants = (bytes: number) =>
    Array.from({ length: 50 }, (_, at) => ({
      sku: `L-${bytes}-${at}`,
      attributes: { text: "x".repeat(bytes) },
    }));
  const huge = {
    name: "Huge",
    price: euros(1),
    category,
    variants: Array.from({ length: 100 }, (_, at) => ({
      sku: `H-${at}`,
      attributes: Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`a${n}`, "😀".repeat(100)])),
    })),
  };
  expect(await reasonOfCall(world.products(seller).createProduct(huge))).toBe("product_too_large");
  for (let n = 0; n < 40; n++) {
    await world.products(newSeller()).createProduct({
      name: `Large ${n}`,
      price: euros(1),
      category,
      description: "y".repeat(9000),
      variants: variants(200),
    });
  }
  const seen: string[] = [];
  let pages = 0;
  for (let pageToken = "", more = true; more; more = pageToken !== "") {
    const page = await world.products().listProducts({ category, pageSize: 200, pageToken });
    seen.push(...page.products.map(({ name }) => name));
    pageToken = page.nextPageToken;
    pages++;
  }
  expect(new Set(seen).size).toBe(40);
  expect(seen).toHaveLength(40);
  expect(pages).toBeGreaterThanOrEqual(1);
});
