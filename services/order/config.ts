import { durationUpTo, integer } from "#mesh";

export const orderFields = {
  // Stock can be held for 7 days at most, and is held a little longer than this.
  ORDER_PAY_WITHIN: durationUpTo("6d")(
    "How long an order waits for its stock to be held, and then for its payment, before it is called off.",
    { fallback: "30m" },
  ),
  ORDER_UNPAID_MOST: integer(1, 10_000)(
    "Most orders of one customer that wait for their payment: each holds stock that nobody else can buy.",
    { fallback: "20" },
  ),
};
