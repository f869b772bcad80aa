import { isDeepStrictEqual } from "node:util";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import type { CreateProductRequest, Product } from "#gen/product/v1/product_pb.js";
import { ProductStatus as Wire } from "#gen/product/v1/product_pb.js";
import { cleanText, fail } from "#mesh";
import type { Price } from "./money.ts";
import { requirePrice } from "./money.ts";
import type { ProductStatus } from "./products-store.ts";
import { storedStatus } from "./status.ts";
import type { VariantDraft } from "./variants.ts";
import { changedVariants, cleanVariant, requireFit } from "./variants.ts";

/** All texts of a product together: what is listed by the hundred must stay small. */
const mostBytes = 64 * 1024;

/** All of a product that its seller decides. */
export interface ProductDraft {
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly price: Price;
  readonly status: ProductStatus;
  readonly variants: readonly VariantDraft[];
  readonly imageFileIds: readonly string[];
}

const plain: VariantDraft = { id: "", sku: "", name: "", attributes: {}, price: undefined };

export function newDraft(request: CreateProductRequest): ProductDraft {
  const given = request.variants.map(cleanVariant);
  return requireValid({
    name: cleanText(request.name),
    description: cleanText(request.description),
    category: request.category,
    price: requirePrice(request.price),
    status: storedStatus(request.status) ?? "on_sale",
    variants: given.length > 0 ? changedVariants([], given, true) : [plain],
    imageFileIds: fileIds(request.imageFileIds),
  });
}

/** Fields as a mask names them: what is given in one, and whether it is set. */
const fields = {
  name: ({ name }: Product) => ({ name: cleanText(name) }),
  description: ({ description }: Product) => ({ description: cleanText(description) }),
  category: ({ category }: Product) => ({ category }),
  price: ({ price }: Product) => ({ price: requirePrice(price) }),
  status: ({ status }: Product) => ({ status: requireStatus(status) }),
  image_file_ids: ({ imageFileIds }: Product) => ({ imageFileIds: fileIds(imageFileIds) }),
} satisfies Record<string, (given: Product) => Partial<ProductDraft>>;

type FieldName = keyof typeof fields | "variants";

const isSet: Readonly<Record<FieldName, (given: Product) => boolean>> = {
  name: ({ name }) => name !== "",
  description: ({ description }) => description !== "",
  category: ({ category }) => category !== "",
  price: ({ price }) => price !== undefined,
  status: ({ status }) => status !== Wire.UNSPECIFIED,
  variants: ({ variants }) => variants.length > 0,
  image_file_ids: ({ imageFileIds }) => imageFileIds.length > 0,
};

const names = Object.keys(isSet) as FieldName[];

/** The product after an update: the fields of the mask, or, without one, those that are set. */
export function updatedDraft(
  current: ProductDraft,
  given: Product,
  mask: Pick<FieldMask, "paths"> | undefined,
): ProductDraft {
  const masked = maskedFields(mask?.paths ?? []);
  const chosen = masked.length > 0 ? masked : names.filter((name) => isSet[name](given));
  const changes = chosen.flatMap((name) => (name === "variants" ? [] : [fields[name](given)]));
  const variants = chosen.includes("variants")
    ? changedVariants(current.variants, given.variants.map(cleanVariant), masked.length > 0)
    : current.variants;
  return requireValid(Object.assign({}, current, ...changes, { variants }));
}

/** Names, as the contract has them, of the fields that differ. */
export function changedFields(before: ProductDraft, after: ProductDraft): FieldName[] {
  return names.filter((name) => {
    const field = name === "image_file_ids" ? "imageFileIds" : name;
    return !isDeepStrictEqual(before[field], after[field]);
  });
}

function maskedFields(paths: readonly string[]): FieldName[] {
  const unknown = paths.find((path) => !names.some((name) => name === path));
  if (unknown !== undefined) {
    throw fail.invalid(
      "unknown_field",
      `update_mask: ${JSON.stringify(unknown.slice(0, 100))} cannot be changed`,
      {
        remedy: `of a product, these can: ${names.join(", ")}`,
      },
    );
  }
  return names.filter((name) => paths.includes(name));
}

function requireStatus(status: Wire): ProductStatus {
  const stored = storedStatus(status);
  if (stored) return stored;
  throw fail.invalid("status_required", "status: a product has one", {
    remedy: "choose draft, on sale or paused",
  });
}

function requireValid(draft: ProductDraft): ProductDraft {
  if (draft.name.trim() === "") {
    throw fail.invalid("blank_name", "name: must not be blank", { remedy: "write a name" });
  }
  requireFit(draft.variants, draft.price);
  const bytes = Buffer.byteLength(
    JSON.stringify([draft.name, draft.description, draft.variants.map(textsOf)]),
  );
  if (bytes > mostBytes) {
    throw fail.invalid("product_too_large", `the texts of the product have ${bytes} bytes`, {
      remedy: `${mostBytes} are the most, of all variants together: say less of each`,
    });
  }
  return draft;
}

const textsOf = ({ name, sku, attributes }: VariantDraft) => [name, sku, attributes];

const fileIds = (ids: readonly string[]) => [...new Set(ids.map((id) => id.toLowerCase()))];
