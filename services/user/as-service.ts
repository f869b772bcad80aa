import type { Call } from "#mesh";
import { runInCall } from "#mesh/call/call.ts";
import { anonymous } from "#mesh/call/identity.ts";

/**
 * Runs calls in the name of this service alone instead of the user's. Security
 * trusts this service by its name, the user's say adds nothing; and a user
 * whose sessions were just ended could not vouch for the next call.
 */
export const asService = <T>(call: Call, work: () => T): T => runInCall(alone(call), work);

/** The same for work that outlives the answer: with its own deadline, and not ended with the call. */
export function asServiceInBackground<T>(call: Call, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  return runInCall({ ...alone(call), deadline: Date.now() + timeoutMs, signal }, async () => work());
}

const alone = (call: Call): Call => ({ ...call, caller: anonymous, userToken: "" });
