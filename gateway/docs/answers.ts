import type { JsonObject } from "@bufbuild/protobuf";
import type { Binding } from "../routing/binding.ts";
import { policyOf } from "./access.ts";
import type { Schema } from "./document.ts";
import { refTo } from "./document.ts";
import { failuresOf, usualHeaders } from "./failures.ts";
import { binary, events, isHttpBody, lines } from "./media.ts";
import type { Components } from "./schema/components.ts";
import { shapeOf } from "./schema/field.ts";

const reasons: Readonly<Record<number, string>> = {
  200: "Done.",
  201: "Created.",
  202: "Accepted; it goes on.",
  204: "Done; there is nothing to say.",
};

/** Nothing may be sent with them (RFC 9110 §15). */
const isEmpty = (status: number): boolean => status === 204 || status === 205 || status === 304;

/** The answers to a call: its own, and how it can fail. */
export function answersOf(binding: Binding, hasRules: boolean, components: Components): JsonObject {
  const status = policyOf(binding.method)?.successStatus || 200;
  const success: JsonObject = {
    description: reasons[status] ?? "Done.",
    headers: usualHeaders,
    ...(!isEmpty(status) && { content: contentOf(binding, status, components) }),
  };
  return { [status]: success, ...failuresOf(binding, hasRules) };
}

function contentOf({ method, responseBody }: Binding, status: number, components: Components): JsonObject {
  if (isHttpBody(responseBody ? responseBody.message : method.output)) return binary;
  // Rules are for what is sent to a service; what it answers nobody holds to them.
  const view = { checked: false, without: [] };
  const data: Schema = responseBody
    ? shapeOf(responseBody, view, components).schema
    : components.refTo(method.output, view);
  if (method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming") {
    return { "text/event-stream": events(data), "application/x-ndjson": lines(data) };
  }
  const properties: JsonObject = { data, statusCode: { const: status } };
  return { "application/json": { schema: { allOf: [refTo("schemas", envelope), { properties }] } } };
}

/** The schema that all answers in JSON begin from. */
export const envelope = "Answer";
