import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { fail } from "#mesh/errors.ts";
import type { AnswerPlan } from "./answer-plan.ts";
import { answerPlanOf } from "./answer-plan.ts";
import { WireOutput } from "./wire-output.ts";
import { WireReader } from "./wire-reader.ts";

/** Longest JSON that is made of one answer; fields with default values make it longer than its bytes. */
const longestAnswer = 64 * 1024 * 1024;

const out = new WireOutput(longestAnswer);
const reader = new WireReader(out);

/** Writes a message as JSON by a plan. What cannot be read is the callee's fault, and not the client's. */
export function writeJson(message: Uint8Array, plan: AnswerPlan, registry: Registry): string {
  const source = Buffer.isBuffer(message)
    ? message
    : Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  out.reset();
  try {
    // Text of one byte a letter is half the memory, and quicker made.
    return reader.read(source, plan, registry)
      ? out.bytes.toString("latin1", 0, out.at)
      : out.bytes.toString("utf8", 0, out.at);
  } catch (cause) {
    throw unreadable(plan.desc, cause);
  }
}

export const unreadable = (desc: DescMessage, cause: unknown) =>
  fail.internal("unreadable_answer", `the service's answer could not be read as a ${desc.typeName}`, {
    remedy: "the service does not keep its contract; its operator must look at it",
    cause,
  });

/**
 * Makes the writer of the JSON of one message. Names are those of the proto
 * file; fields without presence are always there, unset ones with presence are
 * left out, unknown ones are skipped.
 */
export function binaryToJson(schema: DescMessage, registry: Registry): (message: Uint8Array) => string {
  const plan = answerPlanOf(schema);
  return (message) => writeJson(message, plan, registry);
}
