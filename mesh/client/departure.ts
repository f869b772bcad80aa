import type { DescMethod } from "@bufbuild/protobuf";
import type { Call } from "../call/call.ts";
import { currentCall } from "../call/call.ts";
import { fail } from "../errors.ts";
import type { Fields } from "../express/fields.ts";
import { fieldsOf } from "../express/fields.ts";
import { newId } from "../id.ts";
import type { Span } from "../telemetry/span.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import type { CallPolicy } from "./call-policy.ts";
import { callPolicyOf } from "./call-policy.ts";

/** A call on its way out, before it has found an instance. */
export interface Departure {
  readonly policy: CallPolicy;
  /** The call that is answered here and for which this one is made, if any. */
  readonly call: Call | undefined;
  readonly budgetMs: number;
  readonly startedMs: number;
  readonly span: Span;
  readonly requestId: string;
  readonly correlationId: string;
}

export type HeadersGiven = ConstructorParameters<typeof Headers>[0];

export function depart(method: DescMethod, timeoutMs: number | undefined, tracer: Tracer): Departure {
  const policy = callPolicyOf(method);
  const call = currentCall();
  const requestId = newId();
  return {
    policy,
    call,
    budgetMs: budgetFor(policy, timeoutMs, call?.deadline),
    startedMs: performance.now(),
    span: tracer.begin("client", policy.name, call?.span),
    requestId,
    correlationId: call?.correlationId ?? requestId,
  };
}

/** The shortest of what the caller wants, the contract allows and the call at hand has left. */
function budgetFor(policy: CallPolicy, wanted: number | undefined, deadline: number | undefined): number {
  const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline - Date.now();
  if (left <= 0) throw fail.deadline("deadline_exceeded", `no time is left to call ${policy.name}`);
  return Math.min(wanted ?? policy.timeoutMs, policy.timeoutMs, left);
}

/** Calls back when the caller loses interest: the call at hand ends, or the signal says so. */
export function whenAborted(
  call: Call | undefined,
  signal: AbortSignal | undefined,
  abort: (reason: unknown) => void,
): () => void {
  if (call && call.ended !== undefined) throw call.ended;
  signal?.throwIfAborted();
  const off = call?.onEnd(() => abort(call.ended));
  if (!signal) return off ?? (() => {});
  const aborted = () => abort(signal.reason);
  signal.addEventListener("abort", aborted, { once: true });
  return () => {
    off?.();
    signal.removeEventListener("abort", aborted);
  };
}

/** The metadata that a caller gives, and what goes with it. */
export function fieldsGiven(header: HeadersGiven, more: Fields): Fields {
  const given = header === undefined ? undefined : fieldsOf(new Headers(header));
  return given && more ? [...given, ...more] : (given ?? more);
}
