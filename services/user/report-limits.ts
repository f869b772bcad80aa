import type { TurnsOptions } from "./turns.ts";

/**
 * - `sign_in`: what security weighs threats by.
 * - `sign_in_audit`: the record of the same, and of registrations.
 * - `audit`: the record of what people who are signed in do.
 *
 * Each has room of its own: whoever floods one kind displaces none of another.
 */
export type ReportKind = "sign_in" | "sign_in_audit" | "audit";

/**
 * 8 under way are plenty for one caller while security answers: at 10 ms each
 * they carry 800 a second. When security hangs, each is held for its whole time;
 * 256 are little memory then, and it takes 32 callers at their most to fill a
 * kind. The 32 that may wait are four rounds of 8: more would mostly run into
 * their deadlines.
 */
const usual: TurnsOptions = { all: 256, perCaller: 8, waitingPerCaller: 32 };

export const reportLimits: Readonly<Record<ReportKind, TurnsOptions>> = {
  sign_in: usual,
  sign_in_audit: usual,
  audit: usual,
};

/** Longest time of one report. */
export const reportTimeoutMs = 5000;
