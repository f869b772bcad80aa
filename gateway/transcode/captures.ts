import type { Binding, BoundVariable } from "../routing/binding.ts";
import { expectation } from "./expectation.ts";
import type { InputField } from "./input-plan.ts";
import { planOf } from "./input-plan.ts";
import type { WrittenCaptures } from "./json-reader.ts";
import { WRAPPER } from "./kinds.ts";
import { writeLeaf } from "./leaf.ts";
import { refusal } from "./refusal.ts";
import type { WireOutput } from "./wire-output.ts";

let scratch = Buffer.allocUnsafeSlow(4096);

/** The fields as the plans of their messages know them. */
function planned(binding: Binding, { fields }: BoundVariable): InputField[] {
  let desc = binding.method.input;
  return fields.map((field) => {
    const found = planOf(desc).field(field.name);
    if (found === undefined) throw new Error(`${desc.typeName} has no field ${field.name}`);
    desc = field.message ?? desc;
    return found;
  });
}

/** Makes the writer of what the path says. It tells where it wrote each value, until it is called again. */
export function compileCaptures(
  binding: Binding,
): (out: WireOutput, captures: readonly string[]) => WrittenCaptures {
  const variables = binding.variables.map((variable) => planned(binding, variable));
  const written: WrittenCaptures = { whole: [], from: [], to: [] };
  return (out, captures) => {
    for (let i = 0; i < variables.length; i += 1) {
      const fields = variables[i] ?? [];
      const text = captures[i] ?? "";
      if (text.length * 3 > scratch.length) scratch = Buffer.allocUnsafeSlow(text.length * 6);
      const size = scratch.write(text, 0);
      written.whole[i] = out.at;
      if (!writeLeaf(out, fields, scratch, 0, size)) throw notOfKind(fields, text);
      written.to[i] = out.at;
      written.from[i] = lastFrom(out, fields, written.whole[i] ?? 0);
    }
    return written;
  };
}

/** Where the innermost field starts: behind the tags and lengths of the messages around it. */
function lastFrom(out: WireOutput, fields: readonly InputField[], from: number): number {
  let at = from;
  for (let i = 0; i < (fields.length - 1) * 2; i += 1) {
    while (((out.bytes[at] ?? 0) & 0x80) !== 0) at += 1;
    at += 1;
  }
  return at;
}

function notOfKind(fields: readonly InputField[], text: string): Error {
  const last = fields.at(-1);
  const path = fields.map(({ desc }) => desc.name).join(".");
  if (last === undefined) return refusal("bad_value", "path", path, "is no field");
  const kind = last.kind === WRAPPER ? last.inner : last.kind;
  const got = last.desc.proto.options?.debugRedact ? "" : `, got ${text.slice(0, 40) || "nothing"}`;
  return refusal("bad_value", "path", path, `expected ${expectation(kind, last.enum)}${got}`);
}
