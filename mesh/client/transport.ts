import type { DescMessage, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { create, isMessage, toBinary } from "@bufbuild/protobuf";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import type { Call } from "../call/call.ts";
import { markOutcome } from "../call/passed-on.ts";
import { reasonOf } from "../errors.ts";
import type { Credentials, Proof } from "../identity/credentials.ts";
import type { Cancellable } from "../resilience/bulkhead.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { traceparentOf } from "../telemetry/tracer.ts";
import { responseOf } from "./answer.ts";
import type { Callee } from "./callee.ts";
import type { Departure, HeadersGiven } from "./departure.ts";
import { depart, fieldsGiven, inTime, isTimed, mustBeWanted, whenAborted } from "./departure.ts";
import type { LaneAnswer, LaneRequest } from "./lane.ts";
import { noteCall } from "./note-call.ts";
import { streamCall } from "./stream-call.ts";
import { UnaryCall } from "./unary-call.ts";

export interface MeshTransportOptions {
  callee: Callee;
  telemetry: Telemetry;
  /** Proves who calls and for whom; without it, the call is made as nobody. */
  credentials: Credentials | undefined;
}

/**
 * Makes calls as the mesh promises: with the deadline that remains, the ids and
 * the trace of the call at hand, proof of who calls for whom, at the instance
 * that is best, and again where that is safe.
 */
export function createMeshTransport({ callee, telemetry, credentials }: MeshTransportOptions): Transport {
  const inFlight = telemetry.calls.clientInFlight(callee.name);

  const proofFor = (call: Call | undefined): Proof | Promise<Proof> =>
    credentials ? credentials(callee.name, call) : noProof;

  return {
    async unary(method, signal, timeoutMs, header, input) {
      const departure = depart(method, timeoutMs, telemetry.tracer);
      let making: UnaryCall | undefined;
      let failure: unknown;
      inFlight.value++;
      try {
        const place = enter(callee, departure, signal);
        if (place) await place;
        try {
          const proof = proofFor(departure.call);
          const known = proof instanceof Promise ? await inTime(departure, signal, proof) : proof;
          const request = requestOf(method, departure, known, header, input as Message);
          making = new UnaryCall(callee, departure.policy, request, callee.hedgeOf(method));
          const answer = await run(making, departure.call, signal);
          return responseOf(method, answer, departure.requestId) as UnaryResponse<never, never>;
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
    },
    async stream(method, signal, timeoutMs, header, input) {
      const departure = depart(method, timeoutMs, telemetry.tracer);
      const prove = () => proofFor(departure.call);
      const means = { callee, telemetry, departure, prove, timed: isTimed(timeoutMs) };
      return streamCall(means, method, signal, header, input);
    },
  };
}

const noProof: Proof = Object.freeze({ authorization: "", statement: "" });

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
  method: DescMethodUnary,
  { policy, span, requestId, correlationId, startedMs, budgetMs }: Departure,
  proof: Proof,
  header: HeadersGiven,
  input: Message,
): LaneRequest {
  const schema: DescMessage = method.input;
  const message = isMessage(input, schema) ? input : create(schema, input);
  return {
    method,
    input: message,
    path: policy.path,
    // Waiting for a place or a token took some of it.
    timeoutMs: Math.max(1, budgetMs - (performance.now() - startedMs)),
    authorization: proof.authorization,
    statement: proof.statement,
    requestId,
    // The same as the request's own unless told otherwise.
    correlationId: correlationId === requestId ? "" : correlationId,
    traceparent: traceparentOf(span),
    fields: fieldsGiven(header, proof.fields),
    message: toBinary(schema, message),
  };
}
