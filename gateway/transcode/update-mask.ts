import type { DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import { planOf } from "./input-plan.ts";
import { kindOf, MESSAGE } from "./kinds.ts";
import type { WireOutput } from "./wire-output.ts";

/** The field by which a change says what it changes (AIP-134), if the request has one. */
export const updateMaskOf = (desc: DescMessage): DescField | undefined =>
  desc.fields.find(
    (field) =>
      field.name === "update_mask" &&
      field.fieldKind === "message" &&
      field.message.typeName === "google.protobuf.FieldMask",
  );

/**
 * The fields that a JSON object has, down through messages, in proto names. A
 * field that is null is named: it is to be emptied. What the path sets is not:
 * it says which thing to change, not what to change of it.
 */
export function presentPaths(json: JsonValue, desc: DescMessage, bound: ReadonlySet<string>): string[] {
  const paths: string[] = [];
  const walk = (value: JsonValue, message: DescMessage, prefix: string): void => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return;
    for (const [name, inner] of Object.entries(value)) {
      const field = planOf(message).field(name)?.desc;
      if (field === undefined) continue;
      const path = prefix + field.name;
      const before = paths.length;
      const opened = field.fieldKind === "message" && kindOf(field) === MESSAGE;
      if (opened) walk(inner, field.message, `${path}.`);
      const hasBound = opened && [...bound].some((it) => it.startsWith(`${path}.`));
      if (paths.length === before && !bound.has(path) && !hasBound) paths.push(path);
    }
  };
  walk(json, desc, "");
  return paths;
}

/** Writes the mask as a field of the request. */
export function writeMask(out: WireOutput, field: DescField, paths: readonly string[]): void {
  const size = paths.reduce((sum, path) => sum + path.length + 8, 32);
  out.reserve(size);
  out.varint(((field.number << 3) | 2) >>> 0);
  const start = out.open();
  for (const path of paths) {
    out.bytes[out.at++] = 0x0a;
    const one = out.open();
    out.at += out.bytes.write(path, out.at, "latin1");
    out.close(one);
  }
  out.close(start);
}
