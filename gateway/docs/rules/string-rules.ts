import type { StringRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import { mostExampleLength } from "../limits.ts";
import { once } from "../once.ts";
import { listed } from "../words.ts";
import { accepts } from "./accepts.ts";
import type { Format } from "./formats.ts";
import { formatOf } from "./formats.ts";
import { literally, portable } from "./pattern.ts";
import { samplesOf } from "./sample-pattern.ts";
import type { Value } from "./value.ts";
import { isStated, restrict } from "./value.ts";

/** A text; `hint` is what an example says when any text will do. */
export function stringValue(rules: StringRules | undefined, hint: string): Value {
  const schema: Schema = { type: "string" };
  if (!rules)
    return { schema, notes: [], takesZero: true, zero: "", examples: () => [hint, `${hint} 2`, `${hint} 3`] };
  const notes: string[] = [];
  const format = formatOf(rules);
  const bytes = byteBounds(rules);
  const pattern = rules.pattern ? portable(rules.pattern) : undefined;
  lengths(schema, rules, bytes, notes);
  // What its samples are asked for: that they have their format we know.
  const beside: Schema = { ...schema };
  if (format) restrict(schema, { ...format.keywords });
  if (format?.note) notes.push(format.note);
  const others: Schema[] = affixes(rules);
  if (pattern !== undefined) others.push({ pattern });
  else if (rules.pattern) notes.push(`Matches ${listed([rules.pattern])} (RE2).`);
  if (isStated(rules, "const")) others.push({ const: rules.const });
  if (rules.in.length > 0) others.push({ enum: [...rules.in] });
  if (rules.notIn.length > 0) others.push({ not: { enum: [...rules.notIn] } });
  for (const keywords of others) {
    restrict(schema, keywords);
    restrict(beside, keywords);
  }

  const untold = rules.pattern !== "" && pattern === undefined;
  const fits = (text: string): boolean => {
    const size = Buffer.byteLength(text);
    return (
      size >= bytes.least &&
      size <= bytes.most &&
      accepts(format?.samples.includes(text) ? beside : schema, text)
    );
  };
  const given = [...rules.example, ...(isStated(rules, "const") ? [rules.const] : []), ...rules.in];
  const samples = once(() => {
    // Nobody can say here whether a text of ours matches what only RE2 understands.
    const candidates = untold ? given : [...given, ...madeUp(rules, format, pattern, bytes, hint)];
    // An empty text is a poor example where another is allowed.
    return [...new Set(candidates.filter(fits))].sort((a, b) => Number(a === "") - Number(b === ""));
  });
  return { schema, notes, takesZero: fits(""), zero: "", examples: samples };
}

interface ByteBounds {
  readonly least: number;
  readonly most: number;
}

function byteBounds(rules: StringRules): ByteBounds {
  if (isStated(rules, "lenBytes")) return { least: Number(rules.lenBytes), most: Number(rules.lenBytes) };
  return {
    least: Number(rules.minBytes),
    most: isStated(rules, "maxBytes") ? Number(rules.maxBytes) : Number.POSITIVE_INFINITY,
  };
}

function lengths(schema: Schema, rules: StringRules, { least, most }: ByteBounds, notes: string[]): void {
  const exact = isStated(rules, "len");
  // UTF-8 takes one to four bytes for a character.
  const minimum = Math.max(Number(exact ? rules.len : rules.minLen), Math.ceil(least / 4));
  const maximum = Math.min(
    exact ? Number(rules.len) : isStated(rules, "maxLen") ? Number(rules.maxLen) : Number.POSITIVE_INFINITY,
    most,
  );
  if (minimum > 0) schema.minLength = minimum;
  if (Number.isFinite(maximum)) schema.maxLength = maximum;
  if (least === most) notes.push(`${least} bytes in UTF-8.`);
  else if (least > 0) notes.push(`At least ${least} bytes in UTF-8.`);
  if (least !== most && Number.isFinite(most)) notes.push(`At most ${most} bytes in UTF-8.`);
}

function affixes({ prefix, suffix, contains, notContains }: StringRules): Schema[] {
  const found: Schema[] = [];
  if (prefix) found.push({ pattern: `^${literally(prefix)}` });
  if (suffix) found.push({ pattern: `${literally(suffix)}$` });
  if (contains) found.push({ pattern: literally(contains) });
  if (notContains) found.push({ not: { pattern: literally(notContains) } });
  return found;
}

function madeUp(
  { prefix, suffix, contains, minLen, len }: StringRules,
  format: Format | undefined,
  pattern: string | undefined,
  bytes: ByteBounds,
  hint: string,
): string[] {
  const least = Math.max(Number(minLen), Number(len), bytes.least);
  const most = Math.min(Number(len) || Number.POSITIVE_INFINITY, bytes.most, mostExampleLength);
  const fitted = (text: string): string[] => {
    const room = least - prefix.length - contains.length - suffix.length;
    if (room > mostExampleLength) return [];
    const long = text.repeat(Math.max(1, Math.ceil(room / text.length)));
    const lengths = [long.length, Math.max(room, 0), Math.max(0, most - (least - room))];
    return lengths.map((length) => `${prefix}${long.slice(0, length)}${contains}${suffix}`);
  };
  return [
    ...(format?.samples ?? []),
    ...(pattern === undefined ? [] : samplesOf(pattern)),
    ...(format
      ? []
      : [hint, `${hint} 2`, `${hint} 3`, "example", "abc", "ab", "a", "b", "1"].flatMap(fitted)),
  ];
}
