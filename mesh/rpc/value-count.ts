import type { DescMessage, Message } from "@bufbuild/protobuf";
import { isFieldSet } from "@bufbuild/protobuf";

/** Whether a message has no more values than this, those of the messages in it counted too. */
export function hasFewValues(schema: DescMessage, message: Message, most: number): boolean {
  return count(schema, message, most) <= most;
}

/** Ends soon after it has counted to `most`, however many there are. */
function count(schema: DescMessage, message: Message, most: number): number {
  let values = 0;
  for (const field of schema.fields) {
    if (!isFieldSet(message, field)) continue;
    const value = held(message, field.oneof?.localName, field.localName);
    const items = field.fieldKind === "list" ? (value as unknown[]) : undefined;
    const entries = field.fieldKind === "map" ? Object.values(value as object) : undefined;
    const all = items ?? entries ?? [value];
    values += all.length;
    if (values > most) return values;
    if (!field.message) continue;
    for (const it of all) {
      values += count(field.message, it as Message, most - values);
      if (values > most) return values;
    }
  }
  return values;
}

function held(message: Message, oneof: string | undefined, name: string): unknown {
  const own = message as unknown as Record<string, unknown>;
  return oneof === undefined ? own[name] : (own[oneof] as { value?: unknown }).value;
}
