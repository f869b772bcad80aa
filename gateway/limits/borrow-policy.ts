/** How replicas lend one another uses of a key. */
export const borrowPolicy = {
  /** Longest that a request waits for the others; then it is decided with what is known here. */
  waitMs: 50,
  /** A lender that hears no more of a loan takes it for used after this long, and a borrower does not use it any more. */
  holdMs: 250,
  /** A replica that did not answer is not asked about the same key for this long. */
  silenceMs: 100,
  /** A replica with nothing to lend is not asked again sooner, whatever it says. */
  againMs: 20,
  /** Requests that may wait for one key; more are decided at once, with what is known here. */
  mostWaiters: 1000,
  /** Keys in one message; more go with the next. */
  mostItems: 500,
} as const;
