import { expectation } from "./expectation.ts";
import type { InputField, InputPlan } from "./input-plan.ts";
import type { JsonScan } from "./json-scan.ts";
import { WRAPPER } from "./kinds.ts";
import { suggestion } from "./nearest.ts";
import { quoted, Refused } from "./refused.ts";

const shapes: Readonly<Record<number, string>> = { 123: "an object", 91: "a list" };

/** The value that starts here is not what the contract wants. Secrets are not quoted. */
export function wrongValue(scan: JsonScan, field: InputField | undefined, wanted: string): Refused {
  const { at } = scan;
  // The form of the text is the first thing to be right.
  scan.skip();
  if (field?.desc.proto.options?.debugRedact) return new Refused("bad_value", `expected ${wanted}`, at);
  const got = shapes[scan.source[at] as number] ?? quoted(scan.source, at, scan.at);
  return new Refused("bad_value", `expected ${wanted}, got ${got}`, at);
}

/** What is wanted of a field of this kind. */
export const wantedOf = (field: InputField): string =>
  expectation(field.kind === WRAPPER ? field.inner : field.kind, field.enum);

/** The name that was just read is none of the message's fields. */
export function unknownName(scan: JsonScan, plan: InputPlan): Refused {
  const name = quoted(scan.text, scan.from, scan.to);
  const known = plan.desc.fields.map((field) => field.name);
  const why = `${plan.desc.typeName} has no field ${name}${suggestion(name, known)}`;
  return new Refused("unknown_field", why, scan.at);
}

export const givenTwice = (at: number) => new Refused("duplicate_field", "is given twice", at);

export const decided = ({ desc }: InputField, at: number) =>
  new Refused("conflicting_field", `another field of the oneof ${desc.oneof?.name} is given`, at);
