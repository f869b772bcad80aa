import type { Card } from "./cards.ts";

export interface Intent {
  readonly id: string;
  readonly charge: string;
  readonly amount: number;
  refunded: number;
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created: number;
  readonly card: Card;
  status: "succeeded" | "processing" | "requires_payment_method" | "canceled";
  error?: { readonly code: string; readonly decline_code?: string; readonly message: string };
  refundFailed?: boolean;
}

export interface Refund {
  readonly id: string;
  readonly amount: number;
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created: number;
  readonly intent: Intent;
  status: "succeeded" | "pending" | "failed";
  /** What it will be after a while. */
  becomes?: "succeeded" | "failed" | undefined;
}

/** As the API shows it; charges are always expanded. */
export function intentObject(intent: Intent): object {
  const { id, charge, amount, refunded, currency, metadata, created, card, status, error } = intent;
  const { brand, last4 } = card;
  return {
    id,
    object: "payment_intent",
    amount,
    amount_received: status === "succeeded" ? amount : 0,
    currency,
    metadata,
    created,
    livemode: false,
    status,
    payment_method_types: ["card"],
    last_payment_error: error ? { type: "card_error", ...error } : null,
    latest_charge:
      status === "succeeded"
        ? {
            id: charge,
            object: "charge",
            amount,
            amount_refunded: refunded,
            paid: true,
            payment_method_details: { type: "card", card: { brand, last4 } },
          }
        : null,
  };
}

export const refundObject = ({
  id,
  amount,
  currency,
  metadata,
  created,
  intent,
  status,
}: Refund): object => ({
  id,
  object: "refund",
  amount,
  currency,
  metadata,
  created,
  status,
  charge: intent.charge,
  payment_intent: intent.id,
  ...(status === "failed" && { failure_reason: "expired_or_canceled_card" }),
});
