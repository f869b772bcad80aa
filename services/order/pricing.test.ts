import fc from "fast-check";
import { expect, test } from "vitest";
import type { HeldLine } from "./pricing.ts";
import { mostMinorUnits, priceOrder } from "./pricing.ts";

const line = (quantity: number, minorUnits: bigint, currency = "USD"): HeldLine => ({
  productId: "p",
  variantId: "v",
  productName: "",
  variantName: "",
  sku: "",
  quantity,
  unitPrice: { currency, minorUnits },
});

test("an order costs what its lines cost, to the last unit", () => {
  const price = fc.bigInt({ min: 0n, max: 10_000_000n });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(100), price), { minLength: 1, maxLength: 100 }), (lines) => {
      const minorUnits = lines.reduce((sum, [quantity, each]) => sum + BigInt(quantity) * each, 0n);
      const priced = priceOrder(
        lines.map(([quantity, each]) => line(quantity, each)),
        undefined,
      );
      expect(priced).toEqual({
        total: { currency: "USD", minorUnits },
        ...(minorUnits > mostMinorUnits && { refused: "total_too_large" }),
      });
    }),
  );
});

test("a sum that no message can say is refused, also where a number would overflow", () => {
  const lines = Array.from({ length: 100 }, () => line(10_000, mostMinorUnits));
  expect(priceOrder(lines, undefined)).toMatchObject({ refused: "total_too_large" });
  expect(priceOrder([line(1, mostMinorUnits)], undefined)).not.toHaveProperty("refused");
});

test("another sum than the customer saw, or one of another currency, is refused with what it is", () => {
  const lines = [line(2, 500n)];
  expect(priceOrder(lines, { currency: "USD", minorUnits: 1000n })).not.toHaveProperty("refused");
  for (const seen of [
    { currency: "USD", minorUnits: 999n },
    { currency: "EUR", minorUnits: 1000n },
  ]) {
    expect(priceOrder(lines, seen)).toEqual({
      refused: "price_changed",
      total: { currency: "USD", minorUnits: 1000n },
    });
  }
});

test("several currencies are no sum", () => {
  expect(priceOrder([line(1, 1n), line(1, 1n, "EUR")], undefined)).toMatchObject({
    refused: "mixed_currencies",
  });
});
