import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { ConnectError } from "@connectrpc/connect";
import { runInCall } from "../call/call.ts";
import type { LiveCall } from "../call/live-call.ts";
import { fail } from "../errors.ts";
import { befall, faultHeader } from "../faults/faults.ts";
import { failureOf, untilEnded } from "./perform.ts";
import { recordKey } from "./record.ts";
import { validate } from "./validate.ts";

/**
 * Around every handler of the general lane, from the outside in: errors become
 * wire errors and are noted; the deadline is kept even by a handler that does
 * not look at it; each message is held to its contract.
 */
export const aroundHandlers: Interceptor = (next) => async (request) => {
  const record = request.contextValues.get(recordKey);
  const call = record?.call;
  if (!record || !call) throw fail.internal("no_call", "the call did not pass the gate");
  const note = (thrown: unknown) => {
    const error = failureOf(call, thrown);
    record.error = error;
    return error;
  };
  const finished = () => {
    record.answered = true;
  };
  record.began = true;
  try {
    const fault = record.method.drawFault?.(request.header.get(faultHeader) ?? undefined);
    if (fault) await untilEnded(call, () => befall(fault, call.signal));
    if (!request.stream) {
      validate(request.method.input, request.message);
      const answer = await untilEnded(call, () => next(request));
      finished();
      return answer;
    }
    const checked = { ...request, message: validateEach(request.method.input, request.message) };
    const response = await untilEnded(call, () => next(checked));
    if (!response.stream) return response;
    return { ...response, message: inCall(call, response.message, note, finished) };
  } catch (thrown) {
    throw note(thrown);
  }
};

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
  call: LiveCall,
  messages: AsyncIterable<T>,
  note: (thrown: unknown) => Error,
  finished: () => void,
): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await untilEnded(call, () => iterator.next());
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
