import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Call } from "../call/call.ts";
import { callKey, runInCall } from "../call/call.ts";
import { fail, toWireError } from "../errors.ts";
import { recordKey } from "./record.ts";
import { validate } from "./validate.ts";

/**
 * Around every handler, from the outside in: errors become wire errors and are
 * noted; the deadline is kept even by a handler that does not look at it; each
 * message is held to its contract.
 */
export const aroundHandlers: Interceptor = (next) => async (request) => {
  const call = request.contextValues.get(callKey);
  const record = request.contextValues.get(recordKey);
  if (!call) throw fail.internal("no_call", "the call did not pass the gate");
  const note = (thrown: unknown) => {
    const error = call.signal.aborted ? endedEarly(call, thrown) : toWireError(thrown);
    if (record) record.error = error;
    return error;
  };
  const finished = () => {
    if (record) record.answered = true;
  };
  if (record) record.began = true;
  try {
    if (!request.stream) {
      validate(request.method.input, request.message);
      const answer = await untilAborted(call, () => next(request));
      finished();
      return answer;
    }
    const checked = { ...request, message: validateEach(request.method.input, request.message) };
    const response = await untilAborted(call, () => next(checked));
    if (!response.stream) return response;
    return { ...response, message: inCall(call, response.message, note, finished) };
  } catch (thrown) {
    throw note(thrown);
  }
};

/** A call that was ended from outside fails for that reason, whatever its handler threw on the way down. */
function endedEarly({ method, signal }: Call, thrown: unknown): Error {
  const reason: unknown = signal.reason;
  // Not by the clock: timers may be early, and what is late must never look like our mistake.
  if (isTimeout(reason)) {
    return fail.deadline("deadline_exceeded", `${method} did not end within its deadline`, { cause: thrown });
  }
  return toWireError(reason);
}

const isTimeout = (reason: unknown) =>
  reason instanceof ConnectError
    ? reason.code === Code.DeadlineExceeded
    : reason instanceof Error && reason.name === "TimeoutError";

/** Waits no longer than the call lasts; for a call that is over already, nothing is begun. */
function untilAborted<T>(call: Call, begin: () => Promise<T>): Promise<T> {
  const { signal } = call;
  return new Promise<T>((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    runInCall(call, begin)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

async function* validateEach<T extends Message>(
  schema: DescMessage,
  messages: AsyncIterable<T>,
): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await iterator.next().catch(unreadable);
      if (done) return;
      validate(schema, value);
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** The library calls what it cannot decode an error of ours. */
function unreadable(error: unknown): never {
  if (error instanceof ConnectError && error.rawMessage.startsWith("parse binary")) {
    throw fail.invalid("unreadable_message", "the message is not one of its type", { cause: error });
  }
  throw error;
}

/** Each step of a stream runs inside its call, so that `currentCall()` holds there too. */
async function* inCall<T>(
  call: Call,
  messages: AsyncIterable<T>,
  note: (thrown: unknown) => Error,
  finished: () => void,
): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await untilAborted(call, () => iterator.next());
      if (step.done) return finished();
      yield step.value;
    }
  } catch (thrown) {
    throw note(thrown);
  } finally {
    // Not awaited: a generator that still waits for its next item would keep us here.
    void runInCall(call, async () => iterator.return?.()).catch(() => {});
  }
}
