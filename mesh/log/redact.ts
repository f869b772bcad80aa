import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";

export const redacted = "[redacted]";

/**
 * A message as plain values for a log line, without what its contract marks
 * `debug_redact`. Deep and long messages are cut, since a log line is no dump.
 */
export function redact(desc: DescMessage, message: Message, depth = 0): unknown {
  if (depth > 6) return "[deep]";
  const view = reflect(desc, message);
  const out: Record<string, unknown> = {};
  for (const field of desc.fields) {
    if (view.isSet(field)) {
      out[field.name] = isPersonal(field) ? redacted : plain(field, view.get(field), depth);
    }
  }
  return out;
}

const isPersonal = (field: DescField) => field.proto.options?.debugRedact === true;

function plain(field: DescField, value: unknown, depth: number): unknown {
  switch (field.fieldKind) {
    case "message":
      return redact(field.message, (value as { message: Message }).message, depth + 1);
    case "list":
      return `[${(value as { size: number }).size} items]`;
    case "map":
      return `{${(value as { size: number }).size} entries}`;
    case "enum":
      return field.enum.value[value as number]?.name ?? value;
    case "scalar":
      return scalar(value);
  }
}

function scalar(value: unknown): unknown {
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (typeof value === "bigint") return value.toString();
  return typeof value === "string" && value.length > 200 ? `${value.slice(0, 200)}…` : value;
}
