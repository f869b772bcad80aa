import { AsyncLocalStorage } from "node:async_hooks";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Traced } from "../telemetry/tracer.ts";
import type { Caller, UserIdentity } from "./identity.ts";

/** What a handler is told about the call it answers. */
export interface Call extends Traced {
  /** Full method name, such as `user.v1.AuthService/Login`. */
  readonly method: string;
  readonly requestId: string;
  /** Shared by all calls that follow from one action of a user. */
  readonly correlationId: string;
  /** W3C trace context of this call's own span, for what it causes elsewhere. */
  readonly traceparent: string;
  readonly caller: Caller;
  /** Where the call came from. */
  readonly client: { readonly address: string; readonly userAgent: string };
  /** When the answer is of no more use, in milliseconds since 1970. */
  readonly deadline: number;
  /** Aborted when the caller hangs up, the deadline passes or the process stops. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** The bearer token that the caller showed, to be exchanged when acting for a user. */
  readonly userToken: string;
  /** Metadata that came with the call. */
  readonly requestHeader: Headers;
  /** Metadata to send before the answer. */
  readonly responseHeader: Headers;
  /** Metadata to send behind the answer. */
  readonly responseTrailer: Headers;
  /** Why the call was ended early, once it was. */
  readonly ended: unknown;
  /** Calls back when the call is ended early; cheaper than `signal`. Gives back how to stop that. */
  onEnd(listener: () => void): () => void;
}

const storage = new AsyncLocalStorage<Call | undefined>();

/** Runs a function so that `currentCall()` answers with this call inside. */
export const runInCall = <T>(call: Call, fn: () => T): T => storage.run(call, fn);

/** Runs a function whose outcome others wait for too, so that this call's deadline and end do not bind it. */
export const runOutsideCalls = <T>(fn: () => T): T => storage.run(undefined, fn);

/** The call that is being answered here, if any. */
export const currentCall = (): Call | undefined => storage.getStore();

/** The user whom the call is for; an error for a call without one. */
export function requireUser(call: Call): UserIdentity {
  const { user } = call.caller;
  if (!user) {
    throw fail.unauthenticated("user_required", "this is for signed-in users", {
      remedy: "send `authorization: Bearer <access token>`",
    });
  }
  return user;
}
