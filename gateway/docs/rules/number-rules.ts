import type { JsonValue, Message } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import { once } from "../once.ts";
import { listed } from "../words.ts";
import type { Bound, Bounds } from "./bounds.ts";
import { boundsInWords, isOutside, isWithin, lowerOf, upperOf } from "./bounds.ts";
import type { Value } from "./value.ts";
import { isStated } from "./value.ts";

interface NumberRules extends Bounds<number | bigint>, Message {
  readonly const: number | bigint;
  readonly in: readonly (number | bigint)[];
  readonly notIn: readonly (number | bigint)[];
  readonly example: readonly (number | bigint)[];
}

interface Type {
  readonly rules: Exclude<FieldRules["type"]["case"], undefined>;
  readonly format: string;
  readonly least?: number | bigint;
  readonly most?: number | bigint;
}

const max64 = 2n ** 63n - 1n;
const int32 = { format: "int32", least: -(2 ** 31), most: 2 ** 31 - 1 } as const;
const uint32 = { format: "uint32", least: 0, most: 2 ** 32 - 1 } as const;
const int64 = { format: "int64", least: -max64 - 1n, most: max64 } as const;
const uint64 = { format: "uint64", least: 0n, most: 2n ** 64n - 1n } as const;

const types: ReadonlyMap<ScalarType, Type> = new Map<ScalarType, Type>([
  [ScalarType.FLOAT, { rules: "float", format: "float" }],
  [ScalarType.DOUBLE, { rules: "double", format: "double" }],
  [ScalarType.INT32, { rules: "int32", ...int32 }],
  [ScalarType.SINT32, { rules: "sint32", ...int32 }],
  [ScalarType.SFIXED32, { rules: "sfixed32", ...int32 }],
  [ScalarType.UINT32, { rules: "uint32", ...uint32 }],
  [ScalarType.FIXED32, { rules: "fixed32", ...uint32 }],
  [ScalarType.INT64, { rules: "int64", ...int64 }],
  [ScalarType.SINT64, { rules: "sint64", ...int64 }],
  [ScalarType.SFIXED64, { rules: "sfixed64", ...int64 }],
  [ScalarType.UINT64, { rules: "uint64", ...uint64 }],
  [ScalarType.FIXED64, { rules: "fixed64", ...uint64 }],
]);

/** A number; those of 64 bits are texts, since JSON readers lose their last digits. */
export function numberValue(scalar: ScalarType, field: FieldRules | undefined): Value | undefined {
  const type = types.get(scalar);
  if (!type) return undefined;
  const isLong = typeof type.most === "bigint";
  const zero = isLong ? 0n : 0;
  const json = (value: number | bigint): JsonValue => (typeof value === "bigint" ? `${value}` : value);
  const rules = field?.type.case === type.rules ? (field.type.value as NumberRules) : undefined;
  const lower = rules && lowerOf(rules);
  const upper = rules && upperOf(rules);

  const schema: Schema = isLong
    ? {
        type: "string",
        format: type.format,
        pattern: isUnsigned(type, lower, upper) ? "^[0-9]+$" : "^-?[0-9]+$",
      }
    : { type: type.most === undefined ? "number" : "integer", format: type.format };
  const notes: string[] = [];
  if (type.format === "uint32") schema.minimum = 0;
  if (isLong) {
    const words = boundsInWords(lower, upper, String);
    if (words) notes.push(words);
  } else bound(schema, lower, upper);
  if (rules && isStated(rules, "const")) schema.const = json(rules.const);
  if (rules && rules.in.length > 0) schema.enum = rules.in.map(json);
  if (rules && rules.notIn.length > 0) {
    schema.not = { enum: rules.notIn.map(json) };
    notes.push(`Not ${listed(rules.notIn.map(String), "or")}.`);
  }

  const fits = (value: number | bigint): boolean =>
    (type.least === undefined || value >= type.least) &&
    (type.most === undefined || value <= type.most) &&
    isWithin(value, lower, upper) &&
    (!rules ||
      ((!isStated(rules, "const") || value === rules.const) &&
        (rules.in.length === 0 || rules.in.includes(value)) &&
        !rules.notIn.includes(value)));
  const samples = once(() => [...new Set(candidates(rules, lower, upper, isLong).filter(fits))].map(json));
  return { schema, notes, takesZero: fits(zero), zero: json(zero), examples: samples };
}

type Edge = Bound<number | bigint> | undefined;

const isUnsigned = ({ least }: Type, lower: Edge, upper: Edge): boolean =>
  least === 0n || (lower !== undefined && lower.value >= 0n && !isOutside(lower, upper));

/** A NaN or infinity has no keyword, and JSON no word. */
const isPlain = (edge: Edge): edge is Bound<number> =>
  typeof edge?.value === "number" && Number.isFinite(edge.value);

function bound(schema: Schema, lower: Edge, upper: Edge): void {
  const low: Schema = isPlain(lower)
    ? { [lower.inclusive ? "minimum" : "exclusiveMinimum"]: lower.value }
    : {};
  const high: Schema = isPlain(upper)
    ? { [upper.inclusive ? "maximum" : "exclusiveMaximum"]: upper.value }
    : {};
  if (isOutside(lower, upper)) schema.anyOf = [low, high];
  else Object.assign(schema, low, high);
}

function candidates(
  rules: NumberRules | undefined,
  lower: Edge,
  upper: Edge,
  isLong: boolean,
): (number | bigint)[] {
  const step = (value: number | bigint, by: number): number | bigint =>
    typeof value === "bigint" ? value + BigInt(by) : value + by;
  const found: (number | bigint)[] = rules
    ? [...rules.example, ...(isStated(rules, "const") ? [rules.const] : []), ...rules.in]
    : [];
  const from = lower?.value ?? (isLong ? 0n : 0);
  if (typeof lower?.value === "number" && typeof upper?.value === "number")
    found.push(Math.round((lower.value + upper.value) / 2), (lower.value + upper.value) / 2);
  for (let by = 1; by <= 10; by++) found.push(step(from, by));
  found.push(from);
  for (let by = 0; by <= 3; by++) if (upper) found.push(step(upper.value, -by));
  return found.filter((it) => typeof it === "bigint" || Number.isFinite(it));
}
