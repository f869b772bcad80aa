import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
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
  try {
    if (!request.stream) {
      validate(request.method.input, request.message);
      const answer = await untilAborted(
        call,
        runInCall(call, () => next(request)),
      );
      finished();
      return answer;
    }
    const checked = { ...request, message: validateEach(request.method.input, request.message) };
    const response = await runInCall(call, () => next(checked));
    if (!response.stream) return response;
    return { ...response, message: inCall(call, response.message, note, finished) };
  } catch (thrown) {
    throw note(thrown);
  }
};

/** A call that was ended from outside fails for that reason, whatever its handler threw on the way down. */
function endedEarly(call: Call, thrown: unknown): Error {
  if (Date.now() >= call.deadline - 1) {
    return fail.deadline("deadline_exceeded", `${call.method} did not end within its deadline`, {
      cause: thrown,
    });
  }
  return toWireError(thrown);
}

function untilAborted<T>(call: Call, work: Promise<T>): Promise<T> {
  const { signal } = call;
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

async function* validateEach<T extends Message>(
  schema: DescMessage,
  messages: AsyncIterable<T>,
): AsyncIterable<T> {
  for await (const message of messages) {
    validate(schema, message);
    yield message;
  }
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
      const step = await untilAborted(
        call,
        runInCall(call, () => iterator.next()),
      );
      if (step.done) return finished();
      yield step.value;
    }
  } catch (thrown) {
    throw note(thrown);
  } finally {
    // Not awaited: a generator that still waits for its next item would keep us here.
    void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
