import type { DescMethodUnary } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import type { Call } from "../call/call.ts";
import type { Fields } from "../call/metadata.ts";
import { fieldsOf } from "../call/metadata.ts";
import type { CallMeans } from "./call-means.ts";
import { depart } from "./departure.ts";
import type { LaneAnswer } from "./lane.ts";
import { makeUnary } from "./make-unary.ts";

export interface BytesAnswer {
  readonly header: Fields;
  readonly message: Uint8Array;
}

/**
 * Makes single calls with messages that are bytes already, for whoever passes
 * them on and need not look inside. In all else they are calls like any other.
 */
export type BytesClient = (
  call: Call,
  method: DescMethodUnary,
  message: Uint8Array,
  fields: Fields,
) => Promise<BytesAnswer>;

export function createBytesClient(means: CallMeans): BytesClient {
  return async (call, method, request, fields) => {
    const departure = depart(method, undefined, means.telemetry.tracer, call);
    return bytesOf(method, await makeUnary(means, departure, { method, request, fields }, undefined));
  };
}

/** The general lane gives messages. */
function bytesOf(method: DescMethodUnary, answer: LaneAnswer): BytesAnswer {
  if (!("stream" in answer)) return answer;
  return { header: fieldsOf(answer.header), message: toBinary(method.output, answer.message) };
}
