import { fail } from "#mesh";

export const noProduct = () => fail.notFound("product_not_found", "no product has this id");

export const noVariant = () =>
  fail.notFound("variant_not_found", "the product has no variant with this id", {
    remedy: "get the product for those it has",
  });

export const notYours = () =>
  fail.denied("not_yours", "only its seller, or who has product:admin, may change a product");

export const skuTaken = () =>
  fail.alreadyExists("sku_taken", "another variant of this seller has this sku", {
    remedy: "choose another sku, or leave it empty",
  });

export const variantRequired = (productId: string) =>
  fail.invalid("variant_required", `product ${productId} has several variants`, {
    remedy: "say which by variant_id",
  });

export const notEnoughStock = (available: number, add: number) =>
  fail.precondition("not_enough_stock", `there are ${available}, so ${-add} cannot be taken away`, {
    remedy: "what is reserved is not yours to take; set `available` to 0 to sell no more",
    metadata: { available: String(available) },
  });

export const tooMuchStock = (most: number) =>
  fail.invalid("too_much_stock", `a variant may have ${most} available at most`);

// Reservations

export const noProductNamed = () =>
  fail.invalid("no_product_named", "a line names neither a product nor a variant", {
    remedy: "set product_id or variant_id in each line",
  });

export const notForSale = (productId: string, variantId: string) =>
  fail.precondition("product_not_for_sale", `${nameOf(productId, variantId)} cannot be ordered`, {
    remedy: "leave it out of the order",
    metadata: { product_id: productId, variant_id: variantId },
  });

const nameOf = (productId: string, variantId: string) =>
  [productId && `product ${productId}`, variantId && `variant ${variantId}`].filter(Boolean).join(", ");

export interface Shortage {
  readonly productId: string;
  readonly productName: string;
  readonly variantId: string;
  readonly wanted: number;
  readonly available: number;
}

export const outOfStock = ({ productId, productName, variantId, wanted, available }: Shortage) =>
  fail.precondition("out_of_stock", `${wanted} of "${productName}" are wanted and ${available} are there`, {
    remedy: "order less of it, or leave it out",
    metadata: {
      product_id: productId,
      variant_id: variantId,
      wanted: String(wanted),
      available: String(available),
    },
  });

export const severalSellers = () =>
  fail.invalid("several_sellers", "the lines are of several sellers", { remedy: "make an order of each" });

export const severalCurrencies = () =>
  fail.invalid("several_currencies", "the lines are priced in several currencies", {
    remedy: "make an order of each",
  });

export const noReservation = () =>
  fail.notFound("reservation_not_found", "nothing was reserved for this order", { remedy: "reserve first" });

/** A mistake of ours: each variant has a stock, and what is held stands in it. */
export const noStock = () => fail.internal("no_row", "a variant has no stock");

export const reservationDiffers = () =>
  fail.precondition("reservation_differs", "something else is reserved for this order", {
    remedy: "make another order",
  });

export const reservationReleased = () =>
  fail.precondition("reservation_released", "the stock of this order was released for good", {
    remedy: "make another order",
  });

export const reservationExpired = () =>
  fail.precondition("reservation_expired", "the time of the reservation is over", {
    remedy: "make another order; if this one was paid, give the money back",
  });
