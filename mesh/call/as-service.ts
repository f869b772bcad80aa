import type { Call } from "./call.ts";
import { runInCall } from "./call.ts";
import { anonymous } from "./identity.ts";
import { LiveCall } from "./live-call.ts";

/**
 * Runs work of a call in the name of this service alone, not of the user whom
 * the call is for. It ends with the call.
 */
export function asService<T>(call: Call, work: () => Promise<T>): Promise<T> {
  const own = alone(call, call.deadline - Date.now());
  const follow = () => own.end(call.ended);
  if (call.ended !== undefined) follow();
  const off = call.onEnd(follow);
  return during(own, work).finally(off);
}

/** The same for work that outlives the answer: with a time of its own, and not ended with the call. */
export function asServiceInBackground<T>(call: Call, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  return during(alone(call, timeoutMs), work);
}

function alone(call: Call, budgetMs: number): LiveCall {
  const { method, requestId, correlationId, span, tracer, log } = call;
  return new LiveCall({
    method,
    requestId,
    correlationId,
    span,
    tracer,
    caller: anonymous,
    userToken: "",
    envelope: call,
    client: () => call.client,
    budgetMs,
    log,
    logHasIds: true,
  });
}

async function during<T>(call: LiveCall, work: () => Promise<T>): Promise<T> {
  try {
    return await runInCall(call, work);
  } finally {
    call.finish();
  }
}
