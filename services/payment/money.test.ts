import { expect, test } from "vitest";
import { toDecimal } from "./money.ts";
import { toStripeAmount } from "./providers/stripe-amount.ts";

test.each([
  ["USD", 1099n, "10.99", 1099],
  ["USD", 5n, "0.05", 5],
  ["JPY", 1099n, "1099", 1099],
  ["KWD", 12340n, "12.340", 12340],
  ["GHS", 100n, "1.00", 100],
])("%s %s is %s to people and %s to Stripe", (currency, minorUnits, decimal, stripe) => {
  expect(toDecimal({ currency, minorUnits })).toBe(decimal);
  expect(toStripeAmount({ currency, minorUnits })).toBe(stripe);
});

test("Stripe counts shillings of Uganda in hundredths, and takes no last digit of three", () => {
  expect(toStripeAmount({ currency: "UGX", minorUnits: 5000n })).toBe(500_000);
  expect(toStripeAmount({ currency: "KWD", minorUnits: 12_345n })).toBeUndefined();
});
