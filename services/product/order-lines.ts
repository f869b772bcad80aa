import { canonicalId } from "#mesh";
import type { Offer } from "./offers-store.ts";
import {
  noProductNamed,
  notForSale,
  outOfStock,
  severalCurrencies,
  severalSellers,
  variantRequired,
} from "./refusals.ts";
import type { LineRow } from "./reservations-store.ts";
import { totals } from "./stock-moves.ts";

/** One line of what somebody orders; ids that were left out are empty. */
export interface WantedLine {
  readonly productId: string;
  readonly variantId: string;
  readonly quantity: number;
}

export function wantedLine({ productId, variantId, quantity }: WantedLine): WantedLine {
  if (!productId && !variantId) throw noProductNamed();
  return { productId: canonicalId(productId), variantId: canonicalId(variantId), quantity };
}

/** Whether an order asks for what it has already: each line by as much as it says of itself. */
export function areSame(wanted: readonly WantedLine[], lines: readonly LineRow[]): boolean {
  return (
    wanted.length === lines.length &&
    wanted.every(({ productId, variantId, quantity }, index) => {
      const line = lines[index];
      return (
        line?.quantity === quantity &&
        (productId === "" || productId === line.productId) &&
        (variantId === "" || variantId === line.variantId)
      );
    })
  );
}

/** What an order gets, line by line, if there is enough of it. */
export function linesFor(
  orderId: string,
  wanted: readonly WantedLine[],
  offers: readonly Offer[],
): LineRow[] {
  const chosen = wanted.map((line) => ({ offer: chosenOffer(line, offers), quantity: line.quantity }));
  const [first] = chosen;
  for (const { offer } of chosen) {
    if (offer.sellerId !== first?.offer.sellerId) throw severalSellers();
    if (offer.currency !== first.offer.currency) throw severalCurrencies();
  }
  const lines = chosen.map(({ offer: { status, available, ...offer }, quantity }) => ({
    orderId,
    ...offer,
    quantity,
  }));
  requireEnough(lines, new Map(offers.map(({ variantId, available }) => [variantId, available])));
  return lines;
}

/** Names the first line that there is not enough of. */
export function requireEnough(lines: readonly LineRow[], available: ReadonlyMap<string, number>): void {
  const wanted = totals(lines);
  for (const { productId, productName, variantId } of lines) {
    const line = {
      productId,
      productName,
      variantId,
      wanted: wanted.get(variantId) ?? 0,
      available: available.get(variantId) ?? 0,
    };
    if (line.wanted > line.available) throw outOfStock(line);
  }
}

/** What does not exist, is not shown and is not sold looks the same, so that nobody finds drafts by ordering. */
function chosenOffer({ productId, variantId }: WantedLine, offers: readonly Offer[]): Offer {
  const fitting = offers.filter(
    (offer) =>
      offer.status === "on_sale" &&
      (productId === "" || offer.productId === productId) &&
      (variantId === "" || offer.variantId === variantId),
  );
  const [offer] = fitting;
  if (!offer) throw notForSale(productId, variantId);
  if (fitting.length > 1) throw variantRequired(productId);
  return offer;
}
