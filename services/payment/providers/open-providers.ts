import type { ConfigOf } from "#mesh";
import type { paymentFields } from "../config.ts";
import { openMomo } from "./momo.ts";
import type { Provider, Providers } from "./provider.ts";
import { openStripe } from "./stripe.ts";

/** Those that have a key. */
export function openProviders(config: ConfigOf<typeof paymentFields>, now: () => number): Providers {
  const timeoutMs = config.PAYMENT_PROVIDER_TIMEOUT;
  const providers = new Map<string, Provider>();
  const { PAYMENT_STRIPE_URL, PAYMENT_STRIPE_KEY, PAYMENT_MOMO_URL, PAYMENT_MOMO_KEY } = config;
  if (PAYMENT_STRIPE_URL && PAYMENT_STRIPE_KEY) {
    const webhookSecret = config.PAYMENT_STRIPE_WEBHOOK_SECRET;
    const options = { url: PAYMENT_STRIPE_URL, key: PAYMENT_STRIPE_KEY, webhookSecret, timeoutMs, now };
    providers.set("stripe", openStripe(options));
  }
  if (PAYMENT_MOMO_URL && PAYMENT_MOMO_KEY) {
    const webhookSecret = config.PAYMENT_MOMO_WEBHOOK_SECRET;
    const options = { url: PAYMENT_MOMO_URL, key: PAYMENT_MOMO_KEY, webhookSecret, timeoutMs, now };
    providers.set("momo", openMomo(options));
  }
  return providers;
}
