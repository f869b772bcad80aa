import type { Registry } from "@bufbuild/protobuf";
import type { Binding } from "../routing/binding.ts";
import { answerPlanOf, planOfField } from "./answer-plan.ts";
import { binaryToJson, unreadable, writeJson } from "./binary-to-json.ts";
import type { HttpBody } from "./http-body.ts";
import { httpBodyField, isHttpBody, readHttpBody } from "./http-body.ts";

/**
 * Makes the writer of a method's answer as JSON. Where the binding gives one
 * field in place of the answer, that field's value is the whole text: its
 * default when it has one, and `null` when it is not set.
 */
export function compileAnswer(binding: Binding, registry: Registry): (message: Uint8Array) => string {
  const { responseBody } = binding;
  if (responseBody === undefined) return binaryToJson(binding.method.output, registry);
  const plan = planOfField(responseBody);
  const before = JSON.stringify(responseBody.name).length + 2;
  return (message) => {
    const text = writeJson(message, plan, registry);
    return text === "{}" ? "null" : text.slice(before, -1);
  };
}

/** Makes the reader of an answer that is not JSON but a body of its own type; nothing for other methods. */
export function compileHttpBody(binding: Binding): ((message: Uint8Array) => HttpBody) | undefined {
  const { method, responseBody } = binding;
  const field = responseBody && httpBodyField(responseBody) ? responseBody.number : undefined;
  if (field === undefined && (responseBody !== undefined || !isHttpBody(method.output))) return undefined;
  const { desc } = answerPlanOf(method.output);
  return (message) => {
    try {
      return readHttpBody(message, field);
    } catch (cause) {
      throw unreadable(desc, cause);
    }
  };
}
