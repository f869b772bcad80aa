import { fail, WeftError } from "#mesh";
import type { Amount } from "./order-state.ts";
import type { Failure } from "./orders-store.ts";
import type { Unsellable } from "./pricing.ts";
import type { Status } from "./status.ts";

export const noOrder = () =>
  fail.notFound("order_not_found", "no order of yours has this id", {
    remedy: "list your orders for their ids",
  });

export const noProductNamed = () =>
  fail.invalid("no_product_named", "a line names neither a product nor a variant", {
    remedy: "set product_id or variant_id in each line",
  });

export const tooManyUnpaid = (most: number) =>
  fail.precondition("too_many_unpaid_orders", `${most} of your orders wait for their payment`, {
    remedy: "pay for one of them or call it off, then place this one",
    metadata: { most: `${most}` },
  });

export const adminsOnly = () =>
  fail.denied("order_admin_only", "only who has order:admin may ask for the orders of somebody else", {
    remedy: "leave customer_id empty for your own",
  });

export const sellersOnly = () =>
  fail.denied("order_seller_only", "only its seller, or who has order:admin, says how far an order is");

export const notCancellable = (status: Status) =>
  status === "shipped" || status === "delivered"
    ? fail.precondition(
        "order_on_its_way",
        `the order is ${named(status)}, so it cannot be called off any more`,
        {
          remedy: "ask its seller for a refund",
        },
      )
    : fail.precondition("order_is_over", `the order is ${named(status)}, so there is nothing to call off`);

export const notNext = (status: Status, wanted: Status) =>
  fail.precondition(
    "order_status_not_next",
    `the order is ${named(status)}, which ${named(wanted)} does not follow`,
    {
      remedy: "it goes from paid to processing, shipped and delivered, one by one and never back",
      metadata: { status },
    },
  );

export const stockNotSettled = () =>
  fail.unavailable("order_stock_not_settled", "the order is paid, and its stock is not booked as sold yet", {
    remedy: "try again in a moment",
    retryAfterMs: 2000,
  });

const named = (status: Status) => status.replaceAll("_", " ");

/** Why stock that was held cannot be sold like this, in the words of the error that the customer gets. */
export const unsellable: Readonly<Record<Unsellable, (total: Amount) => WeftError>> = {
  price_changed: (total) =>
    fail.precondition("price_changed", "what is ordered costs another sum by now", {
      remedy: "show the customer the new total, and place a new order",
      metadata: { currency: total.currency, total_minor_units: total.minorUnits.toString() },
    }),
  total_too_large: () =>
    fail.invalid("total_too_large", "the order costs more than one order may", {
      remedy: "make several orders of it",
    }),
  mixed_currencies: () =>
    fail.invalid("several_currencies", "the lines are priced in several currencies", {
      remedy: "make an order of each",
    }),
};

/** The error that an order failed with, as it was given the first time. */
export const asGiven = ({ code, reason, message, metadata }: Failure): WeftError =>
  new WeftError(code, reason, message, { metadata });
