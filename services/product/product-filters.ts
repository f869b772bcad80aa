import { create } from "@bufbuild/protobuf";
import { MoneySchema } from "#gen/common/v1/money_pb.js";
import type { ListProductsRequest } from "#gen/product/v1/product_pb.js";
import type { Call } from "#mesh";
import { canonicalId, cleanText, fail } from "#mesh";
import { validate } from "#mesh/rpc/validate.ts";
import type { Wanted } from "./product-page.ts";
import { isAdmin } from "./rights.ts";

/** What a list is asked for, once it makes sense. */
export function wantedOf(request: ListProductsRequest, call: Call): Wanted {
  const { orderBy, minPrice, maxPrice, inStock } = request;
  const query = cleanText(request.query).trim();
  // What holds no word finds nothing, and is not a list of everything.
  const text = query && (searchable(query) || `""`);
  const currency = request.currency.toUpperCase();
  if (orderBy === "relevance" && !text) {
    throw fail.invalid("query_required", "order_by: relevance is that for a query", {
      remedy: "set query, or choose another order",
    });
  }
  if (currency) validate(MoneySchema, create(MoneySchema, { currency }));
  else if (minPrice !== undefined || maxPrice !== undefined) {
    throw fail.invalid("currency_required", "currency: prices are compared in one", {
      remedy: "set currency beside min_price and max_price",
    });
  }
  if (minPrice !== undefined && maxPrice !== undefined && minPrice > maxPrice) {
    throw fail.invalid("bad_price_range", "min_price: is above max_price");
  }
  return {
    text,
    category: cleanText(request.category).replace(/\/+$/, ""),
    sellerId: canonicalId(request.sellerId),
    currency,
    minPrice,
    maxPrice,
    inStock,
    insider: isAdmin(call) ? "everybody" : call.caller.user?.id,
  };
}

/** More words than anybody looks for; PostgreSQL gives up on far more. */
const mostWords = 32;

/**
 * The words to look for, as PostgreSQL can read them: it counts each lone `-` as
 * "not" and gives up when they follow each other.
 */
export const searchable = (text: string): string =>
  text
    .replace(/-{2,}/g, " ")
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}"]/u.test(word))
    .slice(0, mostWords)
    .join(" ");
