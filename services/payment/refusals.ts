import { fail } from "#mesh";

export const cardNumberRefused = () =>
  fail.invalid("card_number_refused", "the request holds what looks like the number of a card", {
    remedy:
      "send the token that the provider's own page gave for the card, and treat the number as shown to others",
  });

export const noPayment = () =>
  fail.notFound("payment_not_found", "no payment of yours has this id", {
    remedy: "list your payments for their ids",
  });

export const noOrder = () =>
  fail.notFound("order_not_found", "no order of yours has this id", {
    remedy: "list your orders for their ids",
  });

export const orderIsBeingPaid = (paymentId: string) =>
  fail.alreadyExists("order_is_being_paid", "a payment of this order is under way", {
    remedy: "wait for how it ends; when it fails, the order may be paid again",
    metadata: { payment_id: paymentId },
  });

export const orderIsPaid = (paymentId: string) =>
  fail.alreadyExists("order_is_paid", "this order is paid already", {
    remedy: "there is nothing more to pay",
    metadata: { payment_id: paymentId },
  });

export const orderIsClosed = () =>
  fail.precondition("order_is_closed", "this order was called off, so it cannot be paid", {
    remedy: "place a new order",
  });

export const orderNotPayable = (status: string) =>
  fail.precondition(
    "order_not_payable",
    `the order is ${status}, and only one that awaits payment can be paid`,
    {
      remedy: "look at the order for what became of it",
    },
  );

export const nothingToPay = () =>
  fail.precondition("nothing_to_pay", "the order costs nothing, so there is nothing to pay");

export const providerNotConfigured = (provider: string) =>
  fail.precondition("provider_not_configured", `payments by ${provider} are not offered here`, {
    remedy: "pay in another way, or give the service the provider's key",
  });

export const paymentIsPending = () =>
  fail.precondition(
    "payment_is_pending",
    "the payment is still under way, so there is nothing to give back yet",
    {
      remedy: "wait for how it ends, or cancel the order",
    },
  );

export const paymentHasFailed = () =>
  fail.precondition("payment_has_failed", "nothing was charged, so there is nothing to give back");

export const paymentIsRefunded = () =>
  fail.precondition("payment_is_refunded", "all of this payment is back or on its way back");

export const refundExceedsPayment = (left: string) =>
  fail.precondition("refund_exceeds_payment", `only ${left} of this payment can still be given back`, {
    remedy: "ask for that much at most, or leave the amount out for all that is left",
  });

export const refundIsNothing = () =>
  fail.invalid("refund_is_nothing", "the amount to give back is zero", {
    remedy: "leave it out for all that is left",
  });

export const currencyDiffers = (currency: string) =>
  fail.invalid("currency_differs", `the payment was made in ${currency}`, {
    remedy: "give the amount in that currency",
  });

export const badSignature = (cause?: unknown) =>
  fail.unauthenticated(
    "bad_callback_signature",
    "the callback is not signed by its provider, or too long ago",
    {
      remedy: "compare the webhook secrets of the provider and of this service, and the clocks",
      cause,
    },
  );

export const providerAway = (provider: string, cause?: unknown) =>
  fail.unavailable("provider_unavailable", `${provider} does not answer as it should now`, {
    remedy: "it is asked again by and by",
    retryAfterMs: 1000,
    cause,
  });
