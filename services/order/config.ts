import { durationUpTo } from "#mesh";

export const orderFields = {
  // Stock can be held for 7 days at most, and is held a little longer than this.
  ORDER_PAY_WITHIN: durationUpTo("6d")(
    "How long an order waits for its stock to be held, and then for its payment, before it is called off.",
    { fallback: "30m" },
  ),
};
