import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import type { DurationRules, TimestampRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import { once } from "../once.ts";
import { listed } from "../words.ts";
import type { Bound, Bounds } from "./bounds.ts";
import { boundsInWords, isWithin, lowerOf, upperOf } from "./bounds.ts";
import type { Value } from "./value.ts";

const second = 1_000_000_000n;

const nanosOf = ({ seconds, nanos }: Duration | Timestamp): bigint => seconds * second + BigInt(nanos);

const inNanos = (bound: Bound<Duration | Timestamp> | undefined): Bound<bigint> | undefined =>
  bound && { value: nanosOf(bound.value), inclusive: bound.inclusive };

/** Nanoseconds as JSON writes a Duration: `1.5s`. */
function durationText(nanos: bigint): string {
  const size = nanos < 0n ? -nanos : nanos;
  const part = `${size % second}`.padStart(9, "0").replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${size / second}${part ? `.${part}` : ""}s`;
}

/** Nanoseconds since 1970 as JSON writes a Timestamp. */
function timestampText(nanos: bigint): string {
  const part = ((nanos % second) + second) % second;
  const seconds = (nanos - part) / second;
  const iso = new Date(Number(seconds) * 1000).toISOString();
  const digits = `${part}`.padStart(9, "0").replace(/0+$/, "");
  return iso.replace(".000Z", digits ? `.${digits}Z` : "Z");
}

export function durationValue(rules: DurationRules | undefined): Value {
  const schema: Schema = {
    type: "string",
    format: "google-duration",
    pattern: "^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$",
  };
  const only = rules?.const && [nanosOf(rules.const)];
  const allowed = only ?? (rules?.in.length ? rules.in.map(nanosOf) : undefined);
  if (allowed) schema.enum = allowed.map(durationText);
  return spanOf(schema, rules, durationText, {
    allowed,
    refused: rules?.notIn.map(nanosOf) ?? [],
    given: rules?.example.map(nanosOf) ?? [],
    usual: 30n * second,
    step: second,
    notes: [],
  });
}

/** 2026-01-15T09:30:00Z */
const aMoment = 1_768_469_400n * second;
/** 2099-01-15T09:30:00Z, which is after any now of ours. */
const oneDay = 4_072_152_600n * second;

export function timestampValue(rules: TimestampRules | undefined): Value {
  const notes: string[] = [];
  const isFuture = rules?.greaterThan.case === "gtNow" && rules.greaterThan.value;
  if (isFuture) notes.push("In the future.");
  if (rules?.lessThan.case === "ltNow" && rules.lessThan.value) notes.push("In the past.");
  if (rules?.within) notes.push(`Not further than ${durationText(nanosOf(rules.within))} from now.`);
  const schema: Schema = { type: "string", format: "date-time" };
  const only = rules?.const && [nanosOf(rules.const)];
  if (only) schema.enum = only.map(timestampText);
  return spanOf(schema, rules, timestampText, {
    allowed: only,
    refused: [],
    // No moment that is written down stays close to now.
    given: rules?.within ? [] : (rules?.example.map(nanosOf) ?? []),
    usual: rules?.within ? undefined : isFuture ? oneDay : aMoment,
    step: second,
    notes,
  });
}

interface Span {
  readonly allowed: readonly bigint[] | undefined;
  readonly refused: readonly bigint[];
  readonly given: readonly bigint[];
  readonly usual: bigint | undefined;
  readonly step: bigint;
  readonly notes: string[];
}

function spanOf(
  schema: Schema,
  rules: Bounds<Duration | Timestamp> | undefined,
  show: (nanos: bigint) => string,
  { allowed, refused, given, usual, step, notes }: Span,
): Value {
  const lower = inNanos(rules && lowerOf(rules));
  const upper = inNanos(rules && upperOf(rules));
  const words = boundsInWords(lower, upper, show);
  if (words) notes.push(words);
  if (refused.length > 0) notes.push(`Not ${listed(refused.map(show), "or")}.`);
  const found: bigint[] = [...given, ...(allowed ?? [])];
  if (usual !== undefined) {
    found.push(usual, usual + step, usual + 2n * step);
    if (lower) found.push(lower.value, lower.value + step, lower.value + 1n);
    if (upper) found.push(upper.value, upper.value - step, upper.value - 1n);
  }
  const fits = (nanos: bigint) =>
    isWithin(nanos, lower, upper) && (!allowed || allowed.includes(nanos)) && !refused.includes(nanos);
  const samples = once(() => [...new Set(found.filter(fits).map(show))]);
  // They are messages: what is absent is not looked at.
  return { schema, notes, takesZero: true, examples: samples };
}
