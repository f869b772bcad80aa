import { Code, ConnectError } from "@connectrpc/connect";
import { runInCall } from "../call/call.ts";
import type { LiveCall } from "../call/live-call.ts";
import { fail, isTimeout, toWireError } from "../errors.ts";

/** Does part of a call's work, inside the call, and waits no longer than the call lasts. */
export function untilEnded<T>(call: LiveCall, begin: () => T | Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    // For a call that is over already, nothing is begun.
    if (call.ended !== undefined) throw call.ended;
    const off = call.onEnd(() => reject(call.ended));
    const work = runInCall(call, begin);
    if (!(work instanceof Promise)) {
      off();
      resolve(work);
      return;
    }
    work.then(
      (value) => {
        off();
        resolve(value);
      },
      (error: unknown) => {
        off();
        reject(error);
      },
    );
  });
}

/** The error to answer with. A call that was ended from outside fails for that reason, whatever its handler threw. */
export function failureOf(call: LiveCall, thrown: unknown): ConnectError {
  const { ended, method } = call;
  if (ended === undefined) return toWireError(thrown);
  if (!isLate(ended) || ended === thrown) return toWireError(ended);
  return fail.deadline("deadline_exceeded", `${method} did not end within its deadline`, { cause: thrown });
}

/** Not by the clock: timers may be early, and what is late must never look like our mistake. */
const isLate = (reason: unknown) =>
  reason instanceof ConnectError ? reason.code === Code.DeadlineExceeded : isTimeout(reason);
