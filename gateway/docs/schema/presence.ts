import type { DescField } from "@bufbuild/protobuf";
import type { FieldRules, MessageRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import type { Value } from "../rules/value.ts";
import { restrict } from "../rules/value.ts";
import { listed } from "../words.ts";

/** CEL has no keyword: what it asks for is said in words, and if there are none, in CEL. */
export function celNotes({ cel, celExpression }: FieldRules | MessageRules): string[] {
  const named = cel.map(({ message, expression, id }) =>
    message ? `Rule: ${message.replace(/\.$/, "")}.` : `Rule ${listed([expression || id])}.`,
  );
  return [...named, ...celExpression.map((it) => `Rule ${listed([it])}.`)];
}

/** The schema of a value whose rules do not count for the zero value. */
export function zeroAllowed(value: Value): Value {
  const { schema, zero, takesZero } = value;
  if (takesZero || zero === undefined) return value;
  return { ...value, schema: eitherOr(schema, zero), takesZero: true };
}

export function orZero(field: DescField, value: Value): Value {
  if (field.fieldKind === "list") return emptyAllowed(value, { maxItems: 0 });
  if (field.fieldKind === "map") return emptyAllowed(value, { maxProperties: 0 });
  return zeroAllowed(value);
}

function eitherOr(schema: Schema, zero: Schema[string]): Schema {
  if (Array.isArray(schema.enum)) return { ...schema, enum: [zero, ...schema.enum] };
  const { type, contentEncoding, ...rules } = schema;
  const shown: Schema = { anyOf: [{ const: zero }, rules] };
  if (type !== undefined) shown.type = type;
  if (contentEncoding !== undefined) shown.contentEncoding = contentEncoding;
  return shown;
}

function emptyAllowed(value: Value, empty: Schema): Value {
  const { items, additionalProperties, type, ...rules } = value.schema;
  if (value.takesZero) return value;
  const shown: Schema = { anyOf: [empty, rules] };
  for (const [keyword, inner] of Object.entries({ type, items, additionalProperties })) {
    if (inner !== undefined) shown[keyword] = inner;
  }
  return { ...value, schema: shown, takesZero: true };
}

/** A required field that does not track presence must not have the zero value. */
export function withoutZero(field: DescField, value: Value): Value {
  const { zero } = value;
  if (!value.takesZero || zero === undefined) return value;
  const schema: Schema = { ...value.schema };
  if (field.fieldKind === "list") schema.minItems = 1;
  else if (field.fieldKind === "map") schema.minProperties = 1;
  else if (Array.isArray(schema.enum)) schema.enum = schema.enum.filter((it) => it !== zero);
  else if (zero === "") schema.minLength = 1;
  else restrict(schema, { not: { const: zero } });
  const examples: Value["examples"] = (budget) =>
    value.examples(budget).filter((it) => JSON.stringify(it) !== JSON.stringify(zero));
  return { ...value, schema, takesZero: false, examples };
}
