import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call/call.ts";
import { currentCall } from "../call/call.ts";
import type { Fields } from "../call/metadata.ts";
import { fieldsOf } from "../call/metadata.ts";
import { fail, isTimeout } from "../errors.ts";
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

/** `call` is the one for which this one is made. Default: the one that is answered here, if any. */
export function depart(
  method: DescMethod,
  timeoutMs: number | undefined,
  tracer: Tracer,
  call: Call | undefined = currentCall(),
): Departure {
  const policy = callPolicyOf(method);
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

/** Whether a caller gives the call a time; none or less is none, as with any Connect client. */
export const isTimed = (timeoutMs: number | undefined): timeoutMs is number =>
  timeoutMs !== undefined && timeoutMs > 0;

/** The shortest of what the caller wants, the contract allows and the call at hand has left. */
function budgetFor(policy: CallPolicy, wanted: number | undefined, deadline: number | undefined): number {
  const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline - Date.now();
  if (left <= 0) throw fail.deadline("deadline_exceeded", `no time is left to call ${policy.name}`);
  return Math.min(isTimed(wanted) ? wanted : policy.timeoutMs, policy.timeoutMs, left);
}

/** Throws for a call whose caller lost interest already. */
export function mustBeWanted(call: Call | undefined, signal: AbortSignal | undefined): void {
  if (call && call.ended !== undefined) throw endedBy(call.ended);
  if (signal?.aborted) throw endedBy(signal.reason);
}

/** Calls back when the caller loses interest: the call at hand ends, or the signal says so. */
export function whenAborted(
  call: Call | undefined,
  signal: AbortSignal | undefined,
  abort: (error: ConnectError) => void,
): () => void {
  mustBeWanted(call, signal);
  const off = call?.onEnd(() => abort(endedBy(call.ended)));
  if (!signal) return off ?? (() => {});
  const aborted = () => abort(endedBy(signal.reason));
  signal.addEventListener("abort", aborted, { once: true });
  return () => {
    off?.();
    signal.removeEventListener("abort", aborted);
  };
}

function endedBy(reason: unknown): ConnectError {
  if (!isTimeout(reason)) return ConnectError.from(reason, Code.Canceled);
  return fail.deadline("deadline_exceeded", "the call did not end within the time its caller gave it", {
    cause: reason,
  });
}

/** Waits for what a call needs before it can go out, but no longer than it has time and is wanted. */
export async function inTime<T>(
  { policy, call, startedMs, budgetMs }: Departure,
  signal: AbortSignal | undefined,
  needed: Promise<T>,
): Promise<T> {
  // Told to whoever waits below; when nobody does any more, it is of no interest.
  needed.catch(() => {});
  const over = Promise.withResolvers<never>();
  const off = whenAborted(call, signal, over.reject);
  const late = () =>
    over.reject(
      fail.deadline(
        "deadline_exceeded",
        `${policy.name} did not end within its ${Math.round(budgetMs)} ms: the proof of who calls was not there`,
      ),
    );
  const timer = setTimeout(late, Math.max(0, Math.ceil(startedMs + budgetMs - performance.now())));
  try {
    return await Promise.race([needed, over.promise]);
  } finally {
    clearTimeout(timer);
    off();
  }
}

/** The metadata that a caller gives, and what goes with it. */
export function fieldsGiven(header: HeadersGiven, more: Fields): Fields {
  const given = header === undefined ? undefined : fieldsOf(new Headers(header));
  return given && more ? [...given, ...more] : (given ?? more);
}
