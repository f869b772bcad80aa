import { randomBytes } from "node:crypto";
import type { HandlerContext } from "@connectrpc/connect";
import type { Call } from "../call/call.ts";
import { callKey } from "../call/call.ts";
import type { MethodPolicy, Policies } from "../contract/policy.ts";
import { newId } from "../db/id.ts";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Authenticator, Credentials } from "./authenticate.ts";
import { bearerOf, nobody } from "./authenticate.ts";
import { recordKey } from "./record.ts";

export interface GateOptions {
  policies: Policies;
  authenticate: Authenticator;
  log: Logger;
}

/** Longest id we take over from a caller; the alphabet keeps ids harmless in logs and headers. */
const idForm = /^[\w.:-]{1,128}$/;
const traceForm = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Stands before the body of a call is read: finds out who calls, lets in or
 * turns away, and sets up the call's context. A caller without the right costs
 * no parsing.
 */
export function createGate({ policies, authenticate, log }: GateOptions) {
  return async (context: HandlerContext): Promise<void> => {
    const policy = policies.get(context.method);
    if (!policy) throw fail.internal("no_policy", `${context.method.name} has no policy`);
    const record = context.values.get(recordKey);
    try {
      const credentials = await identify(policy, authenticate, context.requestHeader);
      const call = createCall(context, policy, credentials, log, record?.peer.address ?? "");
      if (record) record.call = call;
      context.values.set(callKey, call);
      context.responseHeader.set("x-request-id", call.requestId);
      context.responseHeader.set("x-correlation-id", call.correlationId);
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
  } catch {
    return { ...nobody, userToken: bearerOf(headers) };
  }
}

function createCall(
  context: HandlerContext,
  policy: MethodPolicy,
  { caller, userToken, client }: Credentials,
  log: Logger,
  address: string,
): Call {
  const headers = context.requestHeader;
  const requestId = accept(headers.get("x-request-id"), idForm) ?? newId();
  const correlationId = accept(headers.get("x-correlation-id"), idForm) ?? requestId;
  const budgetMs = Math.min(context.timeoutMs() ?? policy.timeoutMs, policy.timeoutMs);
  return {
    method: policy.name,
    requestId,
    correlationId,
    traceparent: accept(headers.get("traceparent"), traceForm) ?? newTraceparent(),
    caller,
    userToken,
    client: client ?? clientOf(headers, caller.service?.name, address),
    deadline: Date.now() + budgetMs,
    signal: Number.isFinite(budgetMs)
      ? AbortSignal.any([context.signal, AbortSignal.timeout(Math.max(0, Math.ceil(budgetMs)))])
      : context.signal,
    log: log.child({ requestId, correlationId }),
  };
}

/** Only the gateway may say that a call comes from elsewhere than its socket. */
function clientOf(headers: Headers, service: string | undefined, address: string): Call["client"] {
  const forwarded = service === "gateway" ? headers.get("x-forwarded-for")?.split(",")[0]?.trim() : undefined;
  const userAgent =
    (service === "gateway" && headers.get("x-forwarded-user-agent")) || headers.get("user-agent");
  return { address: forwarded || address, userAgent: (userAgent ?? "").slice(0, 256) };
}

function accept(value: string | null, form: RegExp): string | undefined {
  return value !== null && form.test(value) ? value : undefined;
}

/** W3C Trace Context; not sampled, since nothing samples here. */
function newTraceparent(): string {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-00`;
}
