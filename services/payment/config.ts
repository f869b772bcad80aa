import { duration, text, url } from "#mesh";

export const paymentFields = {
  PAYMENT_STRIPE_URL: url("https", "http")("Where Stripe's API is.", { fallback: "https://api.stripe.com" }),
  PAYMENT_STRIPE_KEY: text("Secret key of the Stripe account; cards are not offered without one.", {
    fallback: "",
    secret: true,
  }),
  PAYMENT_STRIPE_WEBHOOK_SECRET: text("What Stripe signs its callbacks with (`whsec_…`).", {
    fallback: "",
    secret: true,
  }),
  PAYMENT_MOMO_URL: url("https", "http")("Where the mobile money provider's API is.", {
    fallback: "https://proxy.momoapi.mtn.com",
  }),
  PAYMENT_MOMO_KEY: text("Key for the mobile money provider; it is not offered without one.", {
    fallback: "",
    secret: true,
  }),
  PAYMENT_MOMO_WEBHOOK_SECRET: text(
    "What the mobile money provider signs its callbacks with (`whsec_` and base64).",
    { fallback: "", secret: true },
  ),
  PAYMENT_PROVIDER_TIMEOUT: duration("How long a provider may take to answer a request.", {
    fallback: "10s",
  }),
  PAYMENT_ASK_AGAIN: duration(
    "How long after a request a provider that knows nothing of it is taken at its word. Longer than any request takes to be done there.",
    { fallback: "2m" },
  ),
  PAYMENT_RETRY: duration(
    "Pause before an open payment is looked at for the second time; it doubles, 60-fold at most.",
    {
      fallback: "1s",
    },
  ),
  PAYMENT_PENDING_ALERT: duration(
    "How long a payment or refund may be open before the service says it is degraded.",
    {
      fallback: "30m",
    },
  ),
};
