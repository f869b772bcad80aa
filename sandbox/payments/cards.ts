/** What becomes of a charge with a test card, and how its answer and its callback behave. */
export interface Card {
  readonly brand: string;
  readonly last4: string;
  /** Why it is declined, as Stripe spells it. */
  readonly decline?: { readonly code: string; readonly declineCode?: string; readonly message: string };
  /**
   * Default: it succeeds at once. `processing` does after `settleMs`, or fails then;
   * `held` waits for `POST /sandbox/settle`, and so does `firm`, which cannot be cancelled.
   */
  readonly becomes?: "succeeded" | "processing" | "processing_fails" | "held" | "firm";
  readonly answer?: Answering;
  readonly callback?: Calling;
  /** What becomes of refunds. Default: they succeed at once. `come_back`: and fail after `settleMs`. */
  readonly refunds?: "pending" | "fail" | "fail_once" | "come_back" | "come_back_once" | "hang_up";
}

/**
 * How a request is answered. `slow`: after `slowMs`. `hang_up`: charged, and the
 * connection is closed without a word. `never`: charged, and the connection stays
 * silent. `lost_once`: the first request is hung up on before anything is done.
 */
export type Answering = "at_once" | "slow" | "hang_up" | "never" | "lost_once";

/** When the callback comes. `first`: before the answer. `late`: after `lateMs`. */
export type Calling = "after" | "first" | "twice" | "late" | "never";

const visa = { brand: "visa", last4: "4242" };
const declined = (last4: string, code: string, declineCode?: string): Card => ({
  brand: "visa",
  last4,
  decline: {
    code,
    ...(declineCode && { declineCode }),
    message: declineMessages[code] ?? "Your card was declined.",
  },
});
const declineMessages: Readonly<Record<string, string>> = {
  expired_card: "Your card has expired.",
  incorrect_cvc: "Your card's security code is incorrect.",
  processing_error: "An error occurred while processing your card. Try again in a little bit.",
};

/**
 * The test cards, after `pm_card_` or `tok_`. The first ones are Stripe's own;
 * those that begin with `sandbox_` are ours, for what goes wrong between two machines.
 */
export const cards: Readonly<Record<string, Card>> = {
  visa,
  mastercard: { brand: "mastercard", last4: "4444" },
  amex: { brand: "amex", last4: "8431" },
  chargeDeclined: declined("0002", "card_declined", "generic_decline"),
  chargeDeclinedInsufficientFunds: declined("9995", "card_declined", "insufficient_funds"),
  chargeDeclinedLostCard: declined("9987", "card_declined", "lost_card"),
  chargeDeclinedExpiredCard: declined("0069", "expired_card"),
  chargeDeclinedIncorrectCvc: declined("0127", "incorrect_cvc"),
  chargeDeclinedProcessingError: declined("0119", "processing_error"),
  authenticationRequired: declined("3184", "authentication_required", "authentication_required"),
  pendingRefund: { ...visa, refunds: "pending" },
  refundFail: { ...visa, refunds: "come_back" },

  sandbox_slow: { ...visa, answer: "slow" },
  sandbox_hangs_up: { ...visa, answer: "hang_up" },
  sandbox_no_answer: { ...visa, answer: "never" },
  sandbox_lost: { ...visa, answer: "lost_once" },
  sandbox_silent: { ...visa, answer: "hang_up", callback: "never" },
  sandbox_webhook_first: { ...visa, callback: "first" },
  sandbox_webhook_twice: { ...visa, callback: "twice" },
  sandbox_webhook_late: { ...visa, callback: "late" },
  sandbox_webhook_never: { ...visa, callback: "never" },
  sandbox_processing: { ...visa, becomes: "processing" },
  sandbox_held: { ...visa, becomes: "held" },
  sandbox_firm: { ...visa, becomes: "firm" },
  sandbox_processing_fails: { ...visa, becomes: "processing_fails" },
  sandbox_refund_fails: { ...visa, refunds: "fail" },
  sandbox_refund_comes_back_silently: { ...visa, refunds: "come_back", callback: "never" },
  sandbox_refund_comes_back_once: { ...visa, refunds: "come_back_once" },
  sandbox_refund_fails_once: { ...visa, refunds: "fail_once" },
  sandbox_refund_hangs_up: { ...visa, refunds: "hang_up" },
};

/** Of a token such as `pm_card_visa` or `tok_visa`; nothing for one that there is not. */
export function cardOf(token: string): Card | undefined {
  const name = /^(?:pm_card|tok)_(\w+)$/.exec(token)?.[1] ?? "";
  return Object.hasOwn(cards, name) ? cards[name] : undefined;
}
