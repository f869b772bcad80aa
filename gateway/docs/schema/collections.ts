import type { JsonValue } from "@bufbuild/protobuf";
import type {
  FieldRules,
  MapRules,
  RepeatedRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import { mostExampleItems } from "../limits.ts";
import type { Value } from "../rules/value.ts";
import { isStated } from "../rules/value.ts";
import { sentences } from "../words.ts";
import { celNotes, zeroAllowed } from "./presence.ts";

type Inner = (rules: FieldRules | undefined) => Value;

export function listValue(rules: RepeatedRules | undefined, itemOf: Inner): Value {
  const item = itemOf(rules?.items);
  const least = Number(rules?.minItems ?? 0);
  const most = rules && isStated(rules, "maxItems") ? Number(rules.maxItems) : undefined;
  const schema: Schema = { type: "array", items: innerSchema(item, rules?.items) };
  if (least > 0) schema.minItems = least;
  if (most !== undefined) schema.maxItems = most;
  if (rules?.unique) schema.uniqueItems = true;
  return {
    schema,
    notes: [],
    takesZero: least === 0,
    zero: [],
    examples: (budget) => {
      const items = several(item.examples(budget), Math.max(1, least), rules?.unique === true);
      if (most === 0 || (!items && least === 0)) return [[]];
      return items ? [items] : [];
    },
  };
}

export function mapValue(rules: MapRules | undefined, keyOf: Inner, innerOf: Inner): Value {
  const key = keyOf(rules?.keys);
  const value = innerOf(rules?.values);
  const least = Number(rules?.minPairs ?? 0);
  const most = rules && isStated(rules, "maxPairs") ? Number(rules.maxPairs) : undefined;
  const { type: _, ...names } = key.schema;
  const schema: Schema = { type: "object", additionalProperties: innerSchema(value, rules?.values) };
  if (Object.keys(names).length > 0) schema.propertyNames = names;
  if (least > 0) schema.minProperties = least;
  if (most !== undefined) schema.maxProperties = most;
  const keyNotes = [...key.notes, ...(rules?.keys ? celNotes(rules.keys) : [])];
  return {
    schema,
    notes: keyNotes.length > 0 ? [`Keys: ${keyNotes.join(" ")}`] : [],
    takesZero: least === 0,
    zero: {},
    examples: (budget) => {
      const keys = several(key.examples(budget), Math.max(1, least), true);
      const [shown] = value.examples(budget);
      if (most === 0 || ((!keys || shown === undefined) && least === 0)) return [{}];
      if (!keys || shown === undefined) return [];
      return [Object.fromEntries(keys.map((it) => [String(it), shown]))];
    },
  };
}

function innerSchema(value: Value, rules: FieldRules | undefined): Schema {
  const { schema } = rules?.ignore === Ignore.IF_ZERO_VALUE ? zeroAllowed(value) : value;
  const own = typeof schema.description === "string" ? schema.description : undefined;
  const text = sentences([own, ...value.notes, ...(rules ? celNotes(rules) : [])]);
  return text ? { ...schema, description: text } : schema;
}

/** So many of these, each once where they must differ; nothing when there are not enough. */
function several(from: readonly JsonValue[], count: number, distinct: boolean): JsonValue[] | undefined {
  const [first] = from;
  if (first === undefined || count > mostExampleItems) return undefined;
  if (!distinct) return Array.from({ length: count }, () => first);
  return from.length < count ? undefined : from.slice(0, count);
}
