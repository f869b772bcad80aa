import type { Amount } from "./order-state.ts";

/** A line as it is held, at what it costs now. */
export interface HeldLine {
  readonly productId: string;
  readonly variantId: string;
  readonly productName: string;
  readonly variantName: string;
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: Amount;
}

/** Why stock that is held is not sold like this. */
export type Unsellable = "price_changed" | "total_too_large" | "mixed_currencies";

export type Pricing = { readonly total: Amount } | { readonly refused: Unsellable; readonly total: Amount };

/** As large as `common.v1.Money` takes. */
export const mostMinorUnits = 1_000_000_000_000n;

export const lineTotal = ({ quantity, unitPrice }: Pick<HeldLine, "quantity" | "unitPrice">): bigint =>
  BigInt(quantity) * unitPrice.minorUnits;

/** What an order costs, and whether that is what its customer saw, if she said so. */
export function priceOrder(lines: readonly HeldLine[], expected: Amount | undefined): Pricing {
  const currency = lines[0]?.unitPrice.currency ?? "";
  const minorUnits = lines.reduce((sum, line) => sum + lineTotal(line), 0n);
  const total = { currency, minorUnits };
  if (lines.some(({ unitPrice }) => unitPrice.currency !== currency)) {
    return { refused: "mixed_currencies", total };
  }
  if (minorUnits > mostMinorUnits) return { refused: "total_too_large", total };
  if (expected && (expected.currency !== currency || expected.minorUnits !== minorUnits)) {
    return { refused: "price_changed", total };
  }
  return { total };
}
