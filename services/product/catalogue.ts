import { newId } from "#mesh";
import type { ProductDraft } from "./product-draft.ts";
import type { ProductRow } from "./products-store.ts";
import type { VariantDraft } from "./variants.ts";
import { lowestPrice } from "./variants.ts";
import type { VariantRow } from "./variants-store.ts";

/** A product as it is stored with its variants. */
export interface Stored {
  readonly product: ProductRow;
  readonly variants: readonly VariantRow[];
}

type Kept = Pick<ProductRow, "id" | "sellerId" | "createdAt" | "deletedAt">;

/** What a draft is in the tables; new variants get their ids here. */
export function toRows(draft: ProductDraft, kept: Kept, at: Date): Stored {
  const { price, variants } = draft;
  return {
    product: {
      id: kept.id,
      sellerId: kept.sellerId,
      name: draft.name,
      nameKey: nameKeyOf(draft.name),
      description: draft.description,
      category: draft.category,
      currency: price.currency,
      price: price.minorUnits,
      lowestPrice: lowestPrice(variants, price),
      status: draft.status,
      imageFileIds: draft.imageFileIds,
      skus: variants.flatMap(({ sku }) => sku || []).join(" "),
      createdAt: kept.createdAt,
      updatedAt: at,
      deletedAt: kept.deletedAt,
    },
    variants: variants.map((variant, position) => ({
      id: variant.id || newId(at.getTime()),
      productId: kept.id,
      sellerId: kept.sellerId,
      position,
      sku: variant.sku,
      name: variant.name,
      attributes: variant.attributes,
      price: variant.price?.minorUnits ?? null,
    })),
  };
}

/** Cut, so that it fits into an index and into a page token. */
const nameKeyOf = (name: string): string =>
  [...name.normalize("NFKC").trim().toLowerCase()].slice(0, 100).join("");

/** The draft that a stored product would be made of. */
export function toDraft({ product, variants }: Stored): ProductDraft {
  const { name, description, category, currency, price, status, imageFileIds } = product;
  return {
    name,
    description,
    category,
    price: { currency, minorUnits: price },
    status,
    variants: variants.map((it) => toVariantDraft(it, currency)),
    imageFileIds: [...imageFileIds],
  };
}

const toVariantDraft = (
  { id, sku, name, attributes, price }: VariantRow,
  currency: string,
): VariantDraft => ({
  id,
  sku,
  name,
  attributes: { ...attributes },
  price: price === null ? undefined : { currency, minorUnits: price },
});
