import { Code, ConnectError } from "@connectrpc/connect";
import type { LiveCall } from "../call/live-call.ts";
import type { MethodPolicy } from "../contract/policy.ts";
import { reasonOf } from "../errors.ts";
import type { Authenticator, Metadata } from "./authenticate.ts";

export interface LastingOptions {
  readonly policy: MethodPolicy;
  readonly arrival: Metadata;
  readonly authenticate: Authenticator;
  /** Aborted when the service stops. */
  readonly stopping: AbortSignal;
}

/** Sessions that are ended elsewhere end here within about a second, as docs/identity.md says. */
const lookMs = 500;

/**
 * Ends a call that may go on for hours when the service stops, and when whoever
 * made it would not be let in any more: the session was ended, the token has
 * expired, or the right is gone.
 */
export function endInTime(call: LiveCall, { policy, arrival, authenticate, stopping }: LastingOptions): void {
  const stop = () => call.end(stopping.reason);
  if (stopping.aborted) stop();
  else stopping.addEventListener("abort", stop, { once: true });

  const look = async () => {
    try {
      const { caller } = await authenticate(arrival);
      policy.allow(caller);
    } catch (error) {
      if (!isPassing(error, call)) call.end(error);
    }
  };
  const looking = policy.isPublic || !call.caller.user ? undefined : setInterval(look, lookMs).unref();

  call.onFinish(() => {
    clearInterval(looking);
    stopping.removeEventListener("abort", stop);
  });
}

/**
 * What says nothing of the right to be here: that the issuer's keys cannot be
 * had, or that a statement has expired. A service that acts for a user looks
 * itself whether it still may, and shows a new one with its next call.
 */
const isPassing = (error: unknown, { caller }: LiveCall): boolean =>
  ConnectError.from(error).code === Code.Unavailable ||
  (caller.service !== undefined && reasonOf(error) === "token_expired");
