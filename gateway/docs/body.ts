import type { JsonObject } from "@bufbuild/protobuf";
import type { Binding } from "../routing/binding.ts";
import type { Schema } from "./document.ts";
import { binary, isHttpBody, lines } from "./media.ts";
import type { Components } from "./schema/components.ts";
import type { View } from "./schema/field.ts";
import { shapeOf } from "./schema/field.ts";

/** What is sent: JSON, a line of JSON for each message, or anything at all for a `google.api.HttpBody`. */
export function bodyOf(binding: Binding, components: Components): JsonObject | undefined {
  const { method, body, variables } = binding;
  if (body === undefined) return undefined;
  if (isHttpBody(body === "*" ? method.input : body.message)) return { required: true, content: binary };
  const bound = variables.map(({ fields }) => fields.map(({ name }) => name).join("."));
  const { schema, required } =
    body === "*" ? whole(binding, bound, components) : part(body, bound, components);
  const isStream = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  return {
    ...((required || isStream) && { required: true }),
    content: isStream ? { "application/x-ndjson": lines(schema) } : { "application/json": { schema } },
  };
}

interface Body {
  readonly schema: Schema;
  readonly required: boolean;
}

function whole({ method }: Binding, without: readonly string[], components: Components): Body {
  const { input } = method;
  const view: View = { checked: true, without };
  const needed = input.fields.some(
    (it) => !without.includes(it.name) && shapeOf(it, view, components).needed,
  );
  return { schema: components.refTo(input, view), required: needed };
}

function part(
  field: Exclude<Binding["body"], "*" | undefined>,
  bound: readonly string[],
  types: Components,
): Body {
  const shape = shapeOf(field, { checked: true, without: bound }, types);
  return { schema: shape.schema, required: shape.needed };
}
