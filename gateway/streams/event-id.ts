import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

/** A single string of this name in a message, if it has one. */
export function stringField(desc: DescMessage, name: string): DescField | undefined {
  const field = desc.fields.find((it) => it.name === name);
  return field?.fieldKind === "scalar" && field.scalar === ScalarType.STRING ? field : undefined;
}

/** Fields of a oneof are found elsewhere in a message, and are none of those that are meant here. */
export const stringOf = (message: Message, field: DescField | undefined): string => {
  const value = field && (message as unknown as Record<string, unknown>)[field.localName];
  return typeof value === "string" ? value : "";
};

/**
 * Where an EventSource left off goes into the request's `last_event_id`, if it
 * has that. It is later than what the page's address may say, which stays the
 * same whenever the browser comes back.
 */
export function resume(message: Message, desc: DescMessage, lastEventId: string | undefined): void {
  const field = stringField(desc, "last_event_id");
  if (!field || field.oneof || lastEventId === undefined || lastEventId === "") return;
  // Browsers send it in UTF-8; Node gives each byte as a letter.
  const text = Buffer.from(lastEventId, "latin1").toString("utf8");
  (message as unknown as Record<string, unknown>)[field.localName] = text;
}
