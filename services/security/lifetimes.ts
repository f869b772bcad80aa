import { standingTtlMs } from "#mesh";

/** How long what we issue is good. */
export interface Lifetimes {
  readonly accessMs: number;
  readonly serviceMs: number;
  /** A session that is not refreshed. */
  readonly idleMs: number;
  /** A session, however busy. */
  readonly sessionMs: number;
}

/** Statements are made anew for each callee; five minutes keep the exchange off most calls. */
const statementMs = 5 * 60_000;

/** Life of the longest token, or entry of the standing bucket, that is signed with our keys. */
export const longestLifeMs = ({ accessMs, serviceMs }: Lifetimes): number =>
  Math.max(accessMs, serviceMs, statementMs, standingTtlMs);

/** A refresh token ends with its session, or when it is left unused. */
export const refreshExpiry = ({ idleMs }: Lifetimes, sessionExpiresMs: number, nowMs: number): number =>
  Math.min(nowMs + idleMs, sessionExpiresMs);

export const accessExpiry = ({ accessMs }: Lifetimes, sessionExpiresMs: number, nowMs: number): number =>
  Math.min(nowMs + accessMs, sessionExpiresMs);

/** What is derived from a token does not outlive it. */
export const statementExpiry = (subjectExpiresMs: number, nowMs: number): number =>
  Math.min(nowMs + statementMs, subjectExpiresMs);
