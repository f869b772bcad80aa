import type { Momo } from "./momo.ts";
import type { Stripe } from "./stripe.ts";

/** Money that was taken, with what of it went back. */
export interface SandboxCharge {
  readonly provider: "stripe" | "momo";
  readonly id: string;
  readonly status: string;
  /** As the provider writes it: minor units at Stripe, decimals with mobile money. */
  readonly amount: string;
  readonly currency: string;
  /** Whose it is, as the platform named it. */
  readonly paymentId: string;
  readonly orderId: string;
}

export interface SandboxRefund {
  readonly provider: "stripe" | "momo";
  readonly id: string;
  readonly chargeId: string;
  readonly status: string;
  readonly amount: string;
  readonly currency: string;
}

/** All that was asked for, newest last; what was not charged has another status than `succeeded`. */
export function chargesOf(stripe: Stripe, momo: Momo): SandboxCharge[] {
  return [
    ...[...stripe.intents.values()].map(({ id, status, amount, currency, metadata }) => ({
      provider: "stripe" as const,
      id,
      status,
      amount: `${amount}`,
      currency: currency.toUpperCase(),
      paymentId: metadata.payment_id ?? "",
      orderId: metadata.order_id ?? "",
    })),
    ...[...momo.requests.values()].map(({ id, status, amount, currency, externalId }) => ({
      provider: "momo" as const,
      id,
      status: status === "SUCCESSFUL" ? "succeeded" : status.toLowerCase(),
      amount,
      currency,
      paymentId: id,
      orderId: externalId,
    })),
  ];
}

export function refundsOf(stripe: Stripe, momo: Momo): SandboxRefund[] {
  return [
    ...[...stripe.refunds.values()].map(({ id, intent, status, amount, currency }) => ({
      provider: "stripe" as const,
      id,
      chargeId: intent.id,
      status,
      amount: `${amount}`,
      currency: currency.toUpperCase(),
    })),
    ...[...momo.refunds.values()].map(({ id, paid, status, amount, currency }) => ({
      provider: "momo" as const,
      id,
      chargeId: paid,
      status: status === "SUCCESSFUL" ? "succeeded" : status.toLowerCase(),
      amount,
      currency,
    })),
  ];
}
