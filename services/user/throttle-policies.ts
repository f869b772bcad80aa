import { quota } from "./quota.ts";
import type { CountRule, ThrottlePolicy } from "./throttle.ts";
import { slowing } from "./throttle.ts";

const minuteMs = 60_000;

/**
 * What is counted:
 *
 * - `account`: failures at one account, wherever they come from. This stops a
 *   guesser with many addresses.
 * - `place`: failures at one account from one network that its owner has signed
 *   in from before. There it takes the place of `account`: if that one counted
 *   everywhere, anybody could keep the owner out for ever by failing on
 *   purpose. A stranger still waits; the owner, where he usually is, does not.
 *   All it could tell is told to someone inside the owner's own network.
 * - `network`: failures from one network at any account. This stops a guesser
 *   who tries one password at many accounts. Not asked at a place, which the
 *   failures of neighbours must not close; and never long, since those who sign
 *   in from a shared network for the first time wait with whoever guesses there:
 *   a minute leaves the guesser 60 tries an hour.
 * - `registration`: addresses that were found taken from one network.
 * - `registered`: accounts made from one network. 20 in 10 minutes are a class
 *   that signs up together, and 2880 a day for one who makes them by program.
 *
 * Unknown accounts are counted like known ones, so waits tell nothing.
 */
export type Scope = "account" | "place" | "network" | "registration" | "registered";

const atOneAccount: ThrottlePolicy = {
  freeFailures: 5,
  windowMs: 15 * minuteMs,
  firstWaitMs: 1000,
  longestWaitMs: 15 * minuteMs,
};

export const countRules: Readonly<Record<Scope, CountRule>> = {
  account: slowing(atOneAccount),
  place: slowing(atOneAccount),
  network: slowing({ ...atOneAccount, freeFailures: 30, longestWaitMs: minuteMs }),
  registration: slowing({ ...atOneAccount, freeFailures: 30, windowMs: 60 * minuteMs }),
  registered: quota({ limit: 20, windowMs: 10 * minuteMs }),
};

/** How long a network that was signed in from counts as one of the owner's. */
export const placeKnownMs = 90 * 24 * 60 * minuteMs;

/** After this, counted failures say nothing any more: longer than any wait and window together. */
export const failuresKeptMs = 3 * 60 * minuteMs;
