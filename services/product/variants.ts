import { canonicalId, cleanText, fail } from "#mesh";
import type { Price } from "./money.ts";
import { costing, currencyDiffers } from "./money.ts";

/** A variant as its seller writes it; one without an id is to be made. */
export interface VariantDraft {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly price?: Price | undefined;
}

/** As many as the contract lets one name at once. */
const mostVariants = 100;

/** As somebody wrote it, in a form that can be kept. */
export function cleanVariant({ id, sku, name, attributes, price }: VariantDraft): VariantDraft {
  const pairs = Object.entries(attributes).map(([key, value]) => [cleanText(key), cleanText(value)]);
  return {
    id: canonicalId(id),
    sku: cleanText(sku).trim(),
    name: cleanText(name),
    attributes: Object.fromEntries(pairs),
    price: price && costing(price),
  };
}

/**
 * The variants after a change. Those that are named by id take what is given
 * for them, those without an id are new. What is not named stays, at its place,
 * or is gone when `given` is all that there is to be.
 */
export function changedVariants(
  current: readonly VariantDraft[],
  given: readonly VariantDraft[],
  isAll: boolean,
): VariantDraft[] {
  const named = new Map(given.flatMap((it) => (it.id ? [[it.id, it]] : [])));
  requireKnown(current, given, named.size);
  if (isAll) return [...given];
  return [...current.map((it) => named.get(it.id) ?? it), ...given.filter(({ id }) => !id)];
}

function requireKnown(
  current: readonly VariantDraft[],
  given: readonly VariantDraft[],
  distinct: number,
): void {
  const known = new Set(current.map(({ id }) => id));
  const withId = given.filter(({ id }) => id);
  const unknown = withId.find(({ id }) => !known.has(id));
  if (unknown) {
    throw fail.invalid("unknown_variant", `variants: the product has none with the id ${unknown.id}`, {
      remedy: "leave the id of a new variant empty",
    });
  }
  if (distinct < withId.length) {
    throw fail.invalid("duplicate_variant", "variants: one is named twice");
  }
}

/** What holds for all variants of a product together. */
export function requireFit(variants: readonly VariantDraft[], price: Price): void {
  if (variants.length === 0) {
    throw fail.invalid("no_variants", "variants: a product has at least one", {
      remedy: "delete the product, or pause it",
    });
  }
  if (variants.length > mostVariants) {
    throw fail.invalid("too_many_variants", `variants: a product has ${mostVariants} at most`);
  }
  for (const { price: own } of variants) {
    if (own && own.currency !== price.currency) throw currencyDiffers(own.currency, price.currency);
  }
  const skus = variants.flatMap(({ sku }) => sku || []);
  const twice = skus.find((sku, index) => skus.indexOf(sku) !== index);
  if (twice !== undefined) {
    throw fail.invalid("duplicate_sku", "variants: two have the same sku", {
      remedy: "give each its own, or leave it empty",
    });
  }
}

export function lowestPrice(variants: readonly VariantDraft[], price: Price): bigint {
  const prices = variants.map((it) => (it.price ?? price).minorUnits);
  return prices.reduce((lowest, it) => (it < lowest ? it : lowest), prices[0] ?? price.minorUnits);
}
