import type { Answering, Calling } from "./cards.ts";

/** What becomes of a request to pay, by whom it is asked of. */
export interface Phone {
  readonly outcome: "agrees" | "refuses" | "poor" | "silent";
  /** Its owner waits for `POST /sandbox/settle`. */
  readonly held?: boolean;
  /** How long its owner takes: `settleMs`, or `slowMs`. */
  readonly slow?: boolean;
  readonly answer?: Answering;
  readonly callback?: Calling;
}

/** The test telephones, by the last four digits of their numbers. All others agree. */
export const phones: Readonly<Record<string, Phone>> = {
  "0001": { outcome: "refuses" },
  /** Looks at it and does nothing, until the request expires after `expiryMs`. */
  "0002": { outcome: "silent" },
  "0003": { outcome: "agrees", slow: true },
  "0004": { outcome: "poor" },
  /** The request is taken, and the connection closed without a word. */
  "0005": { outcome: "agrees", answer: "hang_up" },
  "0006": { outcome: "agrees", callback: "never" },
  "0007": { outcome: "agrees", callback: "twice" },
  "0008": { outcome: "agrees", callback: "late" },
  /** The first request gets lost before anybody saw it. */
  "0009": { outcome: "agrees", answer: "lost_once" },
  "0010": { outcome: "agrees", held: true },
};

export const phoneOf = (number: string): Phone => phones[number.slice(-4)] ?? { outcome: "agrees" };

/** Why a request failed, as MTN spells it. */
export const reasons = {
  refuses: "APPROVAL_REJECTED",
  poor: "NOT_ENOUGH_FUNDS",
  silent: "EXPIRED",
} as const;
