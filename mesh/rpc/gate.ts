import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import type { HandlerContext } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call/call.ts";
import { callKey } from "../call/call.ts";
import type { MethodPolicy, Policies } from "../contract/policy.ts";
import { fail } from "../errors.ts";
import { newId } from "../id.ts";
import type { Logger } from "../log/logger.ts";
import type { Authenticator, Credentials } from "./authenticate.ts";
import { bearerOf, nobody } from "./authenticate.ts";
import type { CallIds } from "./record.ts";
import { recordKey } from "./record.ts";

export interface GateOptions {
  policies: Policies;
  authenticate: Authenticator;
  log: Logger;
  /** Aborted when the service stops. */
  stopping: AbortSignal;
}

/** Longest id we take over from a caller; the alphabet keeps ids harmless in logs and headers. */
const idForm = /^[\w.:-]{1,128}$/;
const traceForm = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Stands before the body of a call is read: finds out who calls, lets in or
 * turns away, and sets up the call's context. A caller without the right costs
 * no parsing.
 */
export function createGate({ policies, authenticate, log, stopping }: GateOptions) {
  return async (context: HandlerContext): Promise<void> => {
    const record = context.values.get(recordKey);
    const ids = idsOf(context.requestHeader);
    if (record) record.ids = ids;
    context.responseHeader.set("x-request-id", ids.requestId);
    context.responseHeader.set("x-correlation-id", ids.correlationId);
    try {
      const policy = policies.get(context.method);
      if (!policy) throw fail.internal("no_policy", `${context.method.name} has no policy`);
      const { caller, userToken, client } = await identify(policy, authenticate, context.requestHeader);
      const call: Call = {
        ...ids,
        method: policy.name,
        traceparent: accept(context.requestHeader.get("traceparent"), traceForm) ?? newTraceparent(),
        caller,
        userToken,
        client: client ?? clientOf(context.requestHeader, caller.service?.name, record?.peer.address ?? ""),
        ...lifetimeOf(context, policy, stopping),
        log: log.child(ids),
      };
      if (record) record.call = call;
      context.values.set(callKey, call);
      policy.allow(call.caller);
    } catch (error) {
      if (record) record.error = error;
      throw error;
    }
  };
}

/** To a public method, bad credentials are as good as none: its handler may look at them itself. */
async function identify(
  policy: MethodPolicy,
  authenticate: Authenticator,
  headers: Headers,
): Promise<Credentials> {
  if (!policy.isPublic) return authenticate(headers);
  try {
    return await authenticate(headers);
  } catch (error) {
    const { code } = ConnectError.from(error);
    // The issuer may be away, which is not the caller's fault; anything else is ours and must show.
    if (code !== Code.Unauthenticated && code !== Code.Unavailable) throw error;
    return { ...nobody, userToken: bearerOf(headers) };
  }
}

function idsOf(headers: Headers): CallIds {
  const requestId = accept(headers.get("x-request-id"), idForm) ?? newId();
  return { requestId, correlationId: accept(headers.get("x-correlation-id"), idForm) ?? requestId };
}

/** Until when the call may run, and what ends it earlier. */
function lifetimeOf(
  context: HandlerContext,
  policy: MethodPolicy,
  stopping: AbortSignal,
): Pick<Call, "deadline" | "signal"> {
  const budgetMs = Math.min(context.timeoutMs() ?? policy.timeoutMs, policy.timeoutMs);
  const signals = [context.signal];
  if (Number.isFinite(budgetMs)) signals.push(AbortSignal.timeout(Math.max(0, Math.ceil(budgetMs))));
  if (policy.lasting) signals.push(stopping);
  return {
    deadline: Date.now() + budgetMs,
    signal: signals.length === 1 ? context.signal : AbortSignal.any(signals),
  };
}

/** Only the gateway may say that a call comes from elsewhere than its socket. */
function clientOf(headers: Headers, service: string | undefined, address: string): Call["client"] {
  const trusted = service === "gateway";
  const forwarded = trusted ? (headers.get("x-forwarded-for")?.split(",")[0]?.trim() ?? "") : "";
  const userAgent = (trusted && headers.get("x-forwarded-user-agent")) || headers.get("user-agent");
  return { address: isIP(forwarded) ? forwarded : address, userAgent: (userAgent ?? "").slice(0, 256) };
}

function accept(value: string | null, form: RegExp): string | undefined {
  return value !== null && form.test(value) ? value : undefined;
}

/** W3C Trace Context; not sampled, since nothing samples here. */
function newTraceparent(): string {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-00`;
}
