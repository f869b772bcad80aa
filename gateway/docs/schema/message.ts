import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import type { MessageRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import {
  message as messageOption,
  oneof as oneofOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { commentOf } from "../comments.ts";
import type { Schema } from "../document.ts";
import { mostCommentLength } from "../limits.ts";
import { listed, sentences } from "../words.ts";
import type { Budget } from "./budget.ts";
import { isSpent } from "./budget.ts";
import type { FieldShape, Types, View } from "./field.ts";
import { shapeOf } from "./field.ts";
import { celNotes } from "./presence.ts";

export interface MessageShape {
  readonly desc: DescMessage;
  readonly schema: Schema;
  /** An example that satisfies the rules, when one is known. */
  readonly example: (budget: Budget) => JsonObject | undefined;
}

/** Fields of which at most one may be given. */
interface Group {
  readonly names: readonly string[];
  readonly required: boolean;
}

/** A message as an object of its fields. */
export function messageShape(desc: DescMessage, view: View, types: Types): MessageShape {
  const rules = view.checked && hasOption(desc, messageOption) ? getOption(desc, messageOption) : undefined;
  // Of the fields that a rule of the message chooses from, those that are zero are not chosen.
  const isChoice = (name: string) => rules?.oneof.some(({ fields }) => fields.includes(name)) ?? false;
  const shapes = desc.fields
    .filter(({ name }) => !view.without.includes(name))
    .map((field) => shapeOf(field, view, types, isChoice(field.name)));
  const groups = groupsOf(desc, shapes, rules, view.checked);
  const needed = shapes.filter(({ needed }) => needed);
  const notes = groups.map(
    ({ names, required }) => `${required ? "Exactly" : "At most"} one of ${listed(names)}.`,
  );
  const cel = rules ? celNotes(rules) : [];
  const text = sentences([commentOf(desc), ...notes, ...cel])?.slice(0, mostCommentLength);
  const choices = groups.filter(({ required }) => required).map(({ names }) => exactlyOne(names));

  const schema: Schema = { type: "object" };
  if (text) schema.description = text;
  if (desc.deprecated) schema.deprecated = true;
  if (shapes.length > 0) {
    schema.properties = Object.fromEntries(shapes.map((it) => [it.field.name, it.schema]));
  }
  if (needed.length > 0) schema.required = needed.map(({ field }) => field.name);
  if (choices.length === 1) Object.assign(schema, choices[0]);
  else if (choices.length > 1) schema.allOf = choices;
  return {
    desc,
    schema,
    example: (budget) =>
      cel.length > 0 ? undefined : exampleOf(desc, shapes, new Set(needed), groups, budget),
  };
}

const exactlyOne = (names: readonly string[]): Schema => ({
  oneOf: names.map((name) => ({ required: [name] })),
});

function groupsOf(
  desc: DescMessage,
  shapes: readonly FieldShape[],
  rules: MessageRules | undefined,
  checked: boolean,
): Group[] {
  const shown = new Set(shapes.map(({ field }) => field.name));
  const all: Group[] = desc.oneofs.map((it) => ({
    names: it.fields.map(({ name }) => name),
    required: checked && hasOption(it, oneofOption) && getOption(it, oneofOption).required,
  }));
  for (const { fields, required } of rules?.oneof ?? []) all.push({ names: fields, required });
  // One that the path has decided leaves nothing to choose.
  return all.filter(({ names }) => names.length > 1 && names.every((name) => shown.has(name)));
}

function exampleOf(
  desc: DescMessage,
  shapes: readonly FieldShape[],
  needed: ReadonlySet<FieldShape>,
  groups: readonly Group[],
  budget: Budget,
): JsonObject | undefined {
  if (isSpent(budget)) return undefined;
  const given: [string, JsonValue][] = [];
  const open = groups.map((group) => ({ ...group, taken: false }));
  budget.path.push(desc);
  try {
    for (const shape of shapes) {
      const { name } = shape.field;
      const mustBe = needed.has(shape);
      const mine = open.filter(({ names }) => names.includes(name));
      if (!mustBe && (mine.some(({ taken }) => taken) || budget.left <= 0)) continue;
      const isLast = mine.some(({ names, required }) => required && names.at(-1) === name);
      if (!mustBe && !isLast && !shape.worthShowing(budget)) continue;
      budget.left -= 1;
      const [value] = shape.examples(budget);
      if (value === undefined && mustBe) return undefined;
      if (value === undefined) continue;
      given.push([name, value]);
      for (const group of mine) group.taken = true;
    }
  } finally {
    budget.path.pop();
  }
  return open.every(({ required, taken }) => taken || !required) ? Object.fromEntries(given) : undefined;
}
