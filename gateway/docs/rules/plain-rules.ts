import type { DescEnum, DescEnumValue } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import type {
  BoolRules,
  BytesRules,
  EnumRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import { mostExampleLength } from "../limits.ts";
import { listed } from "../words.ts";
import type { Value } from "./value.ts";
import { isStated } from "./value.ts";

export function boolValue(rules: BoolRules | undefined): Value {
  const only = rules && isStated(rules, "const") ? rules.const : undefined;
  const samples = only === undefined ? [true, false] : [only];
  return {
    schema: { type: "boolean", ...(only !== undefined && { const: only }) },
    notes: [],
    takesZero: only !== true,
    zero: false,
    examples: () => samples,
  };
}

const sizes: Readonly<Record<string, number>> = { ipv4: 4, ipv6: 16, uuid: 16 };

const parts = [
  ["prefix", "begin with"],
  ["suffix", "end with"],
  ["contains", "contain"],
] as const;

/** Bytes in base64. Lengths are turned into those of their text, with or without padding. */
export function bytesValue(rules: BytesRules | undefined): Value {
  const schema: Schema = { type: "string", contentEncoding: "base64" };
  const notes: string[] = [];
  if (!rules) return { schema, notes, takesZero: true, zero: "", examples: () => [base64Encode(sample(7))] };
  const known = rules.wellKnown.case && rules.wellKnown.value ? rules.wellKnown.case : undefined;
  const exact = isStated(rules, "len") ? Number(rules.len) : known && sizes[known];
  const least = exact ?? (known === "ip" ? 4 : Number(rules.minLen));
  const most = exact ?? (isStated(rules, "maxLen") ? Number(rules.maxLen) : known === "ip" ? 16 : undefined);
  if (least > 0) schema.minLength = Math.ceil((least * 4) / 3);
  if (most !== undefined) schema.maxLength = Math.ceil(most / 3) * 4;
  if (least > 0 || most !== undefined) {
    notes.push(least === most ? `${least} bytes.` : `${least} to ${most ?? "any number of"} bytes.`);
  }
  if (known) notes.push(`The bytes of an ${known === "uuid" ? "id (UUID)" : "IP address"}.`);
  if (rules.pattern) notes.push(`The bytes match ${listed([rules.pattern])} (RE2).`);
  for (const [part, words] of parts) {
    if (rules[part].length > 0)
      notes.push(`The bytes ${words} ${listed([base64Encode(rules[part])])} (base64).`);
  }
  if (isStated(rules, "const")) schema.const = base64Encode(rules.const);
  if (rules.in.length > 0) schema.enum = rules.in.map((it) => base64Encode(it));
  if (rules.notIn.length > 0) schema.not = { enum: rules.notIn.map((it) => base64Encode(it)) };

  const given = isStated(rules, "const") ? [rules.const] : [...rules.example, ...rules.in];
  const isFree = !rules.pattern && rules.contains.length === 0 && given.length === 0;
  const size = Math.max(least, Math.min(7, most ?? 7), rules.prefix.length + rules.suffix.length);
  if (isFree && size <= mostExampleLength) given.push(framed(sample(size), rules.prefix, rules.suffix));
  const samples = given.map((it) => base64Encode(it));
  // Rules of bytes other than these hold for no empty value.
  const takesZero = least === 0 && !known && given.every((it) => it.length === 0 || isFree) && isLoose(rules);
  return { schema, notes, takesZero, zero: "", examples: () => samples };
}

const isLoose = (rules: BytesRules): boolean =>
  rules.prefix.length === 0 &&
  rules.suffix.length === 0 &&
  rules.contains.length === 0 &&
  !(isStated(rules, "const") && rules.const.length > 0) &&
  (rules.in.length === 0 || rules.in.some((it) => it.length === 0)) &&
  !rules.notIn.some((it) => it.length === 0);

const sample = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, at) => 101 + (at % 16));

function framed(bytes: Uint8Array, prefix: Uint8Array, suffix: Uint8Array): Uint8Array {
  bytes.set(prefix, 0);
  bytes.set(suffix, bytes.length - suffix.length);
  return bytes;
}

/** An enum by the names of its values; `whole` is the schema for where all are allowed. */
export function enumValue(desc: DescEnum, rules: EnumRules | undefined, whole: () => Schema): Value {
  if (desc.typeName === "google.protobuf.NullValue") {
    return { schema: { type: "null" }, notes: [], takesZero: true, examples: () => [null] };
  }
  const isAllowed = ({ number }: DescEnumValue): boolean =>
    !rules ||
    ((!isStated(rules, "const") || number === rules.const) &&
      (rules.in.length === 0 || rules.in.includes(number)) &&
      !rules.notIn.includes(number));
  const allowed = desc.values.filter(isAllowed);
  const zero = desc.values.find(({ number }) => number === 0) ?? desc.values[0];
  // Zero mostly says that nothing was chosen, so it makes no good example.
  const best = allowed.toSorted((a, b) => Number(rank(a) > rank(b)) - Number(rank(a) < rank(b)));
  const samples = best.map(({ name }) => name);
  return {
    schema:
      allowed.length === desc.values.length
        ? whole()
        : { type: "string", enum: allowed.map(({ name }) => name) },
    notes: [],
    takesZero: zero !== undefined && isAllowed(zero),
    ...(zero && { zero: zero.name }),
    examples: () => samples,
  };
}

const rank = ({ number, deprecated }: DescEnumValue): number => Number(number === 0) + 2 * Number(deprecated);
