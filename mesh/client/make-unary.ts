import type { DescMessage, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { create, isMessage, toBinary } from "@bufbuild/protobuf";
import type { Call } from "../call/call.ts";
import type { Fields } from "../call/metadata.ts";
import { markOutcome } from "../call/passed-on.ts";
import { reasonOf } from "../errors.ts";
import type { Proof } from "../identity/credentials.ts";
import type { Cancellable } from "../resilience/bulkhead.ts";
import { traceparentOf } from "../telemetry/tracer.ts";
import type { CallMeans } from "./call-means.ts";
import { proofFor } from "./call-means.ts";
import type { Callee } from "./callee.ts";
import type { Departure } from "./departure.ts";
import { inTime, mustBeWanted, whenAborted } from "./departure.ts";
import type { LaneAnswer, LaneRequest } from "./lane.ts";
import { noteCall } from "./note-call.ts";
import { UnaryCall } from "./unary-call.ts";

/** What is asked of whom. */
export interface Question {
  readonly method: DescMethodUnary;
  /** The request, as a message or as its bytes. */
  readonly request: Message | Uint8Array;
  readonly fields: Fields;
}

/** Makes one single call, and tells of it. */
export async function makeUnary(
  means: CallMeans,
  departure: Departure,
  question: Question,
  signal: AbortSignal | undefined,
): Promise<LaneAnswer> {
  const { callee, telemetry } = means;
  const inFlight = telemetry.calls.clientInFlight(callee.name);
  let making: UnaryCall | undefined;
  let failure: unknown;
  inFlight.value++;
  try {
    const place = enter(callee, departure, signal);
    if (place) await place;
    try {
      const proof = proofFor(means, departure.call);
      const known = proof instanceof Promise ? await inTime(departure, signal, proof) : proof;
      const request = requestOf(question, departure, known);
      making = new UnaryCall(callee, departure.policy, request, callee.hedgeOf(question.method));
      return await run(making, departure.call, signal);
    } finally {
      callee.bulkhead.leave();
    }
  } catch (thrown) {
    failure = thrown;
    markOutcome(thrown);
    throw thrown;
  } finally {
    inFlight.value--;
    noteCall(telemetry, callee.name, departure, making, failure);
  }
}

/** Waits for a place among the calls to this service. No promise of ours where there is one at once. */
function enter(
  callee: Callee,
  { budgetMs, call }: Departure,
  signal: AbortSignal | undefined,
): Promise<void> | undefined {
  // Before it waits in line: nobody would take it out again.
  mustBeWanted(call, signal);
  const place: Cancellable = { cancel: undefined };
  let entered: Promise<void> | undefined;
  try {
    entered = callee.bulkhead.enter(budgetMs, place);
  } catch (full) {
    throw turnedAway(callee, full);
  }
  if (!entered) return undefined;
  const off = whenAborted(call, signal, (error) => place.cancel?.(error));
  return entered.catch((error: unknown) => Promise.reject(turnedAway(callee, error))).finally(off);
}

function turnedAway({ name, metrics }: Callee, error: unknown): unknown {
  if (reasonOf(error).startsWith("bulkhead_")) metrics.rejected("out", name, "bulkhead");
  return error;
}

async function run(
  making: UnaryCall,
  call: Call | undefined,
  signal: AbortSignal | undefined,
): Promise<LaneAnswer> {
  if (!call && !signal) return making.run();
  const off = whenAborted(call, signal, (reason) => making.abort(reason));
  try {
    return await making.run();
  } finally {
    off();
  }
}

function requestOf(
  { method, request, fields }: Question,
  { policy, span, requestId, correlationId, startedMs, budgetMs }: Departure,
  proof: Proof,
): LaneRequest {
  let input: Message | undefined;
  let message: Uint8Array;
  if (request instanceof Uint8Array) message = request;
  else {
    input = messageOf(method.input, request);
    message = toBinary(method.input, input);
  }
  return {
    method,
    input,
    path: policy.path,
    // Waiting for a place or a token took some of it.
    timeoutMs: Math.max(1, budgetMs - (performance.now() - startedMs)),
    authorization: proof.authorization,
    statement: proof.statement,
    requestId,
    // The same as the request's own unless told otherwise.
    correlationId: correlationId === requestId ? "" : correlationId,
    traceparent: traceparentOf(span),
    fields: fields && proof.fields ? [...fields, ...proof.fields] : (fields ?? proof.fields),
    message,
  };
}

const messageOf = (schema: DescMessage, input: Message): Message =>
  isMessage(input, schema) ? input : create(schema, input);
