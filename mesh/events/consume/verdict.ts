/** What is to become of a delivery. */
export type Verdict =
  | { readonly kind: "done" }
  | { readonly kind: "again"; readonly afterMs: number }
  /** Another instance has taken over. */
  | { readonly kind: "fenced" };

export const done: Verdict = { kind: "done" };
export const fenced: Verdict = { kind: "fenced" };

/** A store or broker that is away is no fault of the event: it is tried again until it works. */
export const away: Verdict = { kind: "again", afterMs: 1000 };
export const handedBack: Verdict = { kind: "again", afterMs: 0 };
