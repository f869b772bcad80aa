import type { Actor, Status } from "./status.ts";

/** What another service is still to do for an order. */
export type Step = "reserve" | "commit_stock" | "close_payment" | "release_stock";

export interface Amount {
  readonly currency: string;
  readonly minorUnits: bigint;
}

/** What is known of one payment of the order. Grows only, so it does not matter what is heard first. */
export interface PaymentState {
  readonly id: string;
  /** Null while only its refund was heard of. */
  readonly charged: bigint | null;
  readonly refunded: bigint;
  readonly inFull: boolean;
}

/** All that decides how an order goes on. */
export interface OrderState {
  readonly status: Status;
  /** What is due, the next first. */
  readonly due: readonly Step[];
  /** Grows whenever something becomes due: an answer to what was asked in an earlier round counts no more. */
  readonly round: number;
  /** How often what is due was asked for in this round, the answers that never came included. */
  readonly tries: number;
  /** Why it is off; empty while it is not. */
  readonly reason: string;
  readonly payByMs: number;
  /** Known once the stock is held. */
  readonly total: Amount | null;
  /** The payment that counts. Any other one is for the payment service to give back. */
  readonly paymentId: string | null;
  readonly payments: readonly PaymentState[];
}

/** A line of the order's history: a change, or a note while the status stays. */
export interface Entry {
  readonly status: Status;
  readonly reason: string;
  readonly by: Actor;
}

export interface Outcome {
  readonly state: OrderState;
  readonly history: readonly Entry[];
}

/** What can happen to an order. */
export type Happening =
  /** Its stock is held, at these prices. */
  | { readonly kind: "reserved"; readonly total: Amount; readonly payByMs: number }
  /** There is no such stock. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Its stock is held, and it cannot be sold like this. */
  | { readonly kind: "unsellable"; readonly reason: string }
  | { readonly kind: "stock_committed" }
  | { readonly kind: "stock_gone"; readonly reason: string }
  | { readonly kind: "stock_released" }
  /** Nothing more can be charged; `settled` when nothing was, or all of it is back. */
  | { readonly kind: "payment_closed"; readonly settled: boolean }
  | { readonly kind: "paid"; readonly paymentId: string; readonly amount: Amount }
  | { readonly kind: "payment_failed"; readonly reason: string }
  | {
      readonly kind: "refund";
      readonly paymentId: string;
      /** With all refunds of this payment so far. */
      readonly refunded: bigint;
      readonly inFull: boolean;
    }
  | { readonly kind: "time_over"; readonly nowMs: number }
  | { readonly kind: "cancel"; readonly by: Actor }
  | { readonly kind: "advance"; readonly to: Status; readonly by: Actor };
