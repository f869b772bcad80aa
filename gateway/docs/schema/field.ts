import type { DescEnum, DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence } from "@bufbuild/protobuf/wkt";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { commentOf } from "../comments.ts";
import type { Schema } from "../document.ts";
import { mostCommentLength } from "../limits.ts";
import { enumValue } from "../rules/plain-rules.ts";
import type { Value } from "../rules/value.ts";
import { rulesOf } from "../rules/value.ts";
import { sentences } from "../words.ts";
import type { Budget } from "./budget.ts";
import { mayNest } from "./budget.ts";
import { listValue, mapValue } from "./collections.ts";
import { fieldRules } from "./field-rules.ts";
import { hintOf } from "./hint.ts";
import { celNotes, orZero, withoutZero } from "./presence.ts";
import { scalarValue } from "./scalar.ts";
import { wellKnownValue } from "./well-known.ts";

/** How a message is shown. */
export interface View {
  /** Held to the rules of its contract, as requests are; answers are not. */
  readonly checked: boolean;
  /** Fields that are given elsewhere, as paths of names. */
  readonly without: readonly string[];
}

/** Where fields find what their types are. */
export interface Types {
  message(desc: DescMessage, view: View): Pick<Value, "schema" | "examples">;
  enum(desc: DescEnum): Schema;
}

/** A field as it is documented, be it a property or a parameter. */
export interface FieldShape {
  readonly field: DescField;
  readonly schema: Schema;
  /** It must be given: its rules do not let the zero value through. */
  readonly needed: boolean;
  readonly examples: (budget: Budget) => readonly JsonValue[];
  /** It may be in an example of its message, if there is room. */
  readonly worthShowing: (budget: Budget) => boolean;
}

/** `mayBeZero`: unless the field says otherwise itself, its rules do not count for the zero value. */
export function shapeOf(field: DescField, view: View, types: Types, mayBeZero = false): FieldShape {
  const stated = view.checked ? fieldRules(field) : undefined;
  const isIgnored = stated?.ignore === Ignore.ALWAYS;
  const rules = isIgnored ? undefined : stated;
  const inner: View = {
    checked: view.checked && !isIgnored,
    without: view.without
      .filter((it) => it.startsWith(`${field.name}.`))
      .map((it) => it.slice(field.name.length + 1)),
  };
  const tracksPresence =
    field.presence !== Presence.IMPLICIT && field.fieldKind !== "list" && field.fieldKind !== "map";
  let value = fieldValue(field, rules, inner, types);
  if (!tracksPresence && rules?.required) value = withoutZero(field, value);
  else if (!tracksPresence && (mayBeZero || rules?.ignore === Ignore.IF_ZERO_VALUE))
    value = orZero(field, value);
  const notes = rules ? celNotes(rules) : [];
  const needed =
    field.presence === Presence.LEGACY_REQUIRED ||
    (rules !== undefined && (rules.required || (!tracksPresence && !value.takesZero)));
  return {
    field,
    schema: described(field, value, notes),
    needed,
    examples: view.checked || field.message ? value.examples : examplesByRules(field, types),
    worthShowing: (budget) =>
      !field.deprecated && notes.length === 0 && (!field.message || mayNest(budget, field.message)),
  };
}

/** Rules that are not enforced here still tell what a value looks like. */
const examplesByRules = (field: DescField, types: Types): Value["examples"] =>
  fieldValue(field, fieldRules(field), { checked: true, without: [] }, types).examples;

function fieldValue(field: DescField, rules: FieldRules | undefined, view: View, types: Types): Value {
  const hint = hintOf(field.name);
  switch (field.fieldKind) {
    case "list":
      return listValue(rulesOf(rules, "repeated"), (items) =>
        one(field, withRules(items), view, types, hint),
      );
    case "map":
      return mapValue(
        rulesOf(rules, "map"),
        (keys) => keyValue(field.mapKey, keys),
        (values) => one(field, withRules(values), view, types, hint),
      );
    default:
      return one(field, rules, view, types, hint);
  }
}

const withRules = (rules: FieldRules | undefined): FieldRules | undefined =>
  rules?.ignore === Ignore.ALWAYS ? undefined : rules;

/** One value of a field: of a list an item, of a map a value. */
function one(field: DescField, rules: FieldRules | undefined, view: View, types: Types, hint: string): Value {
  if (field.scalar !== undefined) return scalarValue(field.scalar, rules, hint);
  if (field.enum) {
    const { enum: desc } = field;
    return enumValue(desc, rulesOf(rules, "enum"), () => types.enum(desc));
  }
  if (!field.message) return { schema: {}, notes: [], takesZero: true, examples: () => [] };
  const known = wellKnownValue(field.message, rules, hint);
  return known ?? { ...types.message(field.message, view), notes: [], takesZero: true };
}

/** Keys of JSON objects are texts, whatever they are in protobuf. */
function keyValue(key: ScalarType, rules: FieldRules | undefined): Value {
  const value = scalarValue(key, withRules(rules), "key");
  if (key === ScalarType.STRING) return value;
  const asText: Schema = key === ScalarType.BOOL ? { enum: ["false", "true"] } : { pattern: "^-?[0-9]+$" };
  return { ...value, schema: asText, examples: (budget) => value.examples(budget).map(String) };
}

function described(field: DescField, { schema, notes }: Value, more: readonly string[]): Schema {
  const own = typeof schema.description === "string" ? schema.description : undefined;
  const text = sentences([commentOf(field) ?? own, ...notes, ...more])?.slice(0, mostCommentLength);
  return {
    ...schema,
    ...(text && { description: text }),
    ...(field.deprecated && { deprecated: true }),
    ...(field.proto.options?.debugRedact && { "x-sensitive": true }),
  };
}
