import { Code, ConnectError } from "@connectrpc/connect";
import type { LiveCall } from "../call/live-call.ts";
import type { MethodPolicy } from "../contract/policy.ts";
import { fail, reasonOf } from "../errors.ts";
import type { Authenticator, Metadata } from "./authenticate.ts";

export interface LastingOptions {
  readonly authenticate: Authenticator;
  /** Aborted when the service stops. */
  readonly stopping: AbortSignal;
  /** Most that one user has open here. Default: 64. */
  readonly mostOfOne?: number;
}

/** Sessions that are ended elsewhere end here within about a second, as docs/identity.md says. */
const lookMs = 500;

/** Takes a call into its care that may go on for hours, or throws where there are too many of its kind. */
export type Lasting = (call: LiveCall, policy: MethodPolicy, arrival: Metadata) => void;

/**
 * Calls that may go on for hours: each ends when the service stops, and when
 * whoever made it would not be let in any more, since the session was ended, the
 * token has expired or the right is gone. They count towards no limit of calls
 * at once, so nobody may have very many.
 */
export function createLasting({ authenticate, stopping, mostOfOne = 64 }: LastingOptions): Lasting {
  const open = new Map<string, number>();

  const count = (call: LiveCall): (() => void) => {
    const { user } = call.caller;
    // A service needs one for each that it acts for; nobody may watch health, which connections bound.
    if (!user) return () => {};
    const { id } = user;
    const before = open.get(id) ?? 0;
    if (before >= mostOfOne) throw tooMany(mostOfOne);
    open.set(id, before + 1);
    return () => {
      const left = (open.get(id) ?? 1) - 1;
      if (left > 0) open.set(id, left);
      else open.delete(id);
    };
  };

  return (call, policy, arrival) => {
    const forget = count(call);
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
      forget();
    });
  };
}

const tooMany = (most: number) =>
  fail.exhausted("too_many_streams", `${most} streams of yours are open here`, {
    remedy: "close one that is of no use any more",
  });

/**
 * What says nothing of the right to be here: that the issuer's keys cannot be
 * had, or that a statement has expired. A service that acts for a user looks
 * itself whether it still may, and shows a new one with its next call.
 */
const isPassing = (error: unknown, { caller }: LiveCall): boolean =>
  ConnectError.from(error).code === Code.Unavailable ||
  (caller.service !== undefined && reasonOf(error) === "token_expired");
