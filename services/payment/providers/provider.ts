import type { Money } from "../money.ts";

/** What has become of a charge or a refund, as its provider says. */
export type Standing =
  | { readonly state: "pending"; readonly reference: string }
  | { readonly state: "succeeded"; readonly reference: string; readonly label?: string }
  | { readonly state: "failed"; readonly reference: string; readonly code: string; readonly message: string };

/** It has never heard of it. */
export interface None {
  readonly state: "none";
}

export interface ChargeRequest {
  /** Of the payment. Asked twice with the same id, the provider charges once. */
  readonly id: string;
  readonly orderId: string;
  readonly amount: Money;
  readonly source: string;
}

/** Names a payment: the reference is empty where the provider's answer was never seen. */
export interface Charged {
  readonly id: string;
  readonly reference: string;
}

export interface RefundRequest {
  readonly id: string;
  readonly payment: Charged;
  readonly amount: Money;
  readonly reason: string;
}

export interface Refunded {
  readonly id: string;
  readonly reference: string;
  readonly payment: Charged;
}

/** What a callback is about; its own word counts for nothing more, the provider is asked. */
export interface Told {
  readonly paymentId?: string;
  readonly paymentReference?: string;
  readonly refundId?: string;
  readonly refundReference?: string;
}

export interface CallbackRequest {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * Who takes the money. A method that throws leaves open what happened: whoever
 * called looks it up later. Only an answer of the provider is a standing.
 */
export interface Provider {
  charge(request: ChargeRequest): Promise<Standing>;
  find(payment: Charged): Promise<Standing | None>;
  /** Gives up a charge that is under way, where that can be; what it is after that. */
  cancel(payment: Charged): Promise<Standing | None>;
  refund(request: RefundRequest): Promise<Standing>;
  findRefund(refund: Refunded): Promise<Standing | None>;
  /** Nothing for what is of no interest; throws when the signature is wrong. */
  readCallback(request: CallbackRequest): Told | undefined;
}

export const providerNames = ["stripe", "momo"] as const;
export type ProviderName = (typeof providerNames)[number];

/** Those that are configured. */
export type Providers = ReadonlyMap<string, Provider>;
