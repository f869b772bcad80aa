import type { DescField, DescMessage, JsonValue, Registry } from "@bufbuild/protobuf";
import { fromBinary, fromJsonString, toBinary, toJson } from "@bufbuild/protobuf";

/** The same message with each field once and in order. */
export function mergedBinary(desc: DescMessage, bytes: Uint8Array): Buffer {
  const merged = toBinary(desc, fromBinary(desc, bytes, { readUnknownFields: false }));
  return Buffer.from(merged.buffer, merged.byteOffset, merged.byteLength);
}

/** The JSON of a message that has no plan here; of one field alone, when it is given. */
export function foreignText(
  desc: DescMessage,
  bytes: Uint8Array,
  registry: Registry,
  only?: DescField,
): string {
  const options = { useProtoFieldName: true, alwaysEmitImplicit: true, registry };
  const json = toJson(desc, fromBinary(desc, bytes), options);
  return JSON.stringify(only === undefined ? json : pick(json, only.name));
}

function pick(json: JsonValue, name: string): JsonValue {
  const value = json !== null && typeof json === "object" && !Array.isArray(json) ? json[name] : undefined;
  return value === undefined ? {} : { [name]: value };
}

/** The binary of a message that has no plan here. */
export const foreignBinary = (desc: DescMessage, text: string, registry: Registry): Uint8Array =>
  toBinary(desc, fromJsonString(desc, text, { registry }));
