import type { Message } from "@bufbuild/protobuf";
import type { Transport, UnaryResponse } from "@connectrpc/connect";
import { responseOf } from "./answer.ts";
import type { CallMeans } from "./call-means.ts";
import { proofFor } from "./call-means.ts";
import { depart, fieldsGiven, isTimed } from "./departure.ts";
import { makeUnary } from "./make-unary.ts";
import { streamCall } from "./stream-call.ts";

/**
 * Makes calls as the mesh promises: with the deadline that remains, the ids and
 * the trace of the call at hand, proof of who calls for whom, at the instance
 * that is best, and again where that is safe.
 */
export function createMeshTransport(means: CallMeans): Transport {
  const { callee, telemetry } = means;
  return {
    async unary(method, signal, timeoutMs, header, input) {
      const departure = depart(method, timeoutMs, telemetry.tracer);
      const fields = fieldsGiven(header, undefined);
      const answer = await makeUnary(means, departure, { method, request: input as Message, fields }, signal);
      return responseOf(method, answer, departure.requestId) as UnaryResponse<never, never>;
    },
    async stream(method, signal, timeoutMs, header, input) {
      const departure = depart(method, timeoutMs, telemetry.tracer);
      const prove = () => proofFor(means, departure.call);
      const timed = isTimed(timeoutMs);
      return streamCall({ callee, telemetry, departure, prove, timed }, method, signal, header, input);
    },
  };
}
