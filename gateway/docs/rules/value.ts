import type { DescMessage, JsonValue, Message } from "@bufbuild/protobuf";
import { isFieldSet } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { FieldRulesSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Schema } from "../document.ts";
import type { Budget } from "../schema/budget.ts";

/** What is known of one value: of a field, of an item of a list, of a key or value of a map. */
export interface Value {
  readonly schema: Schema;
  /** What has no keyword, as sentences. */
  readonly notes: readonly string[];
  /** Whether its rules let the zero value through, which is what an absent field has. */
  readonly takesZero: boolean;
  /** The zero value in JSON; none for messages. */
  readonly zero?: JsonValue;
  /** Values that satisfy it, best first and different from each other; none when none is known. */
  readonly examples: (budget: Budget) => readonly JsonValue[];
}

const messages = new Map<string, DescMessage>();
for (const { message } of FieldRulesSchema.fields) if (message) messages.set(message.typeName, message);

/** Whether a rule is stated at all: unset and zero differ in `const` and the lengths. */
export function isStated(rules: Message, name: string): boolean {
  const field = messages.get(rules.$typeName)?.field[name];
  return field !== undefined && isFieldSet(rules, field);
}

type Rules = FieldRules["type"];
type Type = Exclude<Rules["case"], undefined>;
type RulesOf<K extends Type> = Extract<Rules, { case: K }> extends { value: infer V } ? V : never;

/** The rules of this type, or none. Those of another type than the field's are a mistake of the contract. */
export function rulesOf<K extends Type>(rules: FieldRules | undefined, type: K): RulesOf<K> | undefined {
  return rules?.type.case === type ? (rules.type.value as RulesOf<K>) : undefined;
}

/** Adds keywords; those that are taken go to `allOf`. */
export function restrict(schema: Schema, keywords: Schema): void {
  const clash = Object.keys(keywords).some((it) => it in schema);
  if (!clash) {
    Object.assign(schema, keywords);
    return;
  }
  const all = Array.isArray(schema.allOf) ? schema.allOf : [];
  schema.allOf = [...all, keywords];
}
