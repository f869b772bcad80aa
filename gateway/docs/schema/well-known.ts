import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { isWrapperDesc } from "@bufbuild/protobuf/wkt";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import { durationValue, timestampValue } from "../rules/time-rules.ts";
import type { Value } from "../rules/value.ts";
import { restrict, rulesOf } from "../rules/value.ts";
import { listed } from "../words.ts";
import { scalarValue } from "./scalar.ts";

/** Messages whose JSON form is one text, so that a query parameter can hold them. */
const asText = new Set([
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
  "google.protobuf.FieldMask",
]);

export const fitsInQuery = (desc: DescMessage): boolean => asText.has(desc.typeName) || isWrapperDesc(desc);

/** The messages of protobuf that JSON writes otherwise than as objects of their fields. */
export function wellKnownValue(
  desc: DescMessage,
  rules: FieldRules | undefined,
  hint: string,
): Value | undefined {
  const [inner] = desc.fields;
  if (isWrapperDesc(desc) && inner?.fieldKind === "scalar") {
    const value = scalarValue(inner.scalar, rules, hint);
    // Null is the absence of a value, which rules do not look at.
    return rules
      ? value
      : { ...value, schema: { ...value.schema, type: [String(value.schema.type), "null"] } };
  }
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return timestampValue(rulesOf(rules, "timestamp"));
    case "google.protobuf.Duration":
      return durationValue(rulesOf(rules, "duration"));
    case "google.protobuf.FieldMask":
      return fieldMaskValue(rules);
    case "google.protobuf.Any":
      return anyValue(rules);
    case "google.protobuf.Struct":
      return free({ type: "object", additionalProperties: true }, { key: "value" });
    case "google.protobuf.ListValue":
      return free({ type: "array", items: {} }, ["value"]);
    case "google.protobuf.Value":
      return free({}, "value");
    default:
      return undefined;
  }
}

const free = (schema: Schema, example: JsonValue): Value => ({
  schema,
  notes: [],
  takesZero: true,
  examples: () => [example],
});

function fieldMaskValue(rules: FieldRules | undefined): Value {
  const mask = rulesOf(rules, "fieldMask");
  const notes = ["Names of fields in lowerCamelCase, with commas between."];
  if (mask?.in.length) notes.push(`Of ${listed(mask.in)} and what is below them.`);
  if (mask?.notIn.length) notes.push(`Without ${listed(mask.notIn)}.`);
  if (mask?.const) notes.push(`Exactly ${listed(mask.const.paths)}.`);
  const schema: Schema = { type: "string", format: "google-fieldmask" };
  // Which fields there are the mask itself does not say.
  return { schema, notes, takesZero: true, examples: () => [] };
}

function anyValue(rules: FieldRules | undefined): Value {
  const any = rulesOf(rules, "any");
  const type: Schema = {
    type: "string",
    description: "`type.googleapis.com/` and the full name of the type",
  };
  if (any?.in.length) restrict(type, { enum: [...any.in] });
  if (any?.notIn.length) restrict(type, { not: { enum: [...any.notIn] } });
  const schema: Schema = {
    type: "object",
    properties: { "@type": type },
    required: ["@type"],
    additionalProperties: true,
    description: "A message of any type, with its name beside its fields.",
  };
  const usual = { "@type": "type.googleapis.com/google.protobuf.Duration", value: "30s" };
  return { schema, notes: [], takesZero: true, examples: () => (any ? [] : [usual]) };
}
