import type { DescField, DescMessage, JsonObject, JsonValue, Message } from "@bufbuild/protobuf";
import { create, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import {
  FieldPathElementSchema,
  ViolationsSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { fail, WeftError } from "#mesh";
import { redacted } from "#mesh/log/redact.ts";
import { validate } from "#mesh/rpc/validate.ts";
import type { MessageType } from "./message-types.ts";

/** What NATS and the contract of jobs take. */
const mostBytes = 512 * 1024;

/** The message that JSON tells, encoded; an error names the field that is wrong. */
export function encodePayload({ desc, registry }: MessageType, json: JsonObject): Uint8Array {
  const message = parse(() => fromJson(desc, json, { registry }), desc);
  try {
    validate(desc, message);
  } catch (error) {
    throw error instanceof WeftError ? inPayload(error) : error;
  }
  const bytes = toBinary(desc, message);
  if (bytes.length <= mostBytes) return bytes;
  throw fail.invalid("bad_payload", `payload takes ${bytes.length} bytes, and ${mostBytes} are the most`, {
    remedy: "store what is large elsewhere and name it",
  });
}

/** What is wrong with a field, said of the field of the request that holds it. */
function inPayload(error: WeftError): Error {
  const violations = error.findDetails(ViolationsSchema).flatMap((it) => it.violations);
  for (const { field } of violations) field?.elements.unshift(payloadElement);
  if (violations.length === 0) return error;
  const value = create(ViolationsSchema, { violations });
  return fail.invalid("contract_violation", `payload: ${error.rawMessage}`, {
    details: [{ desc: ViolationsSchema, value }],
  });
}

const payloadElement = create(FieldPathElementSchema, { fieldName: "payload" });

function parse(read: () => Message, desc: DescMessage): Message {
  try {
    return read();
  } catch (cause) {
    // It names the field, and quotes the value that the caller sent.
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fail.invalid("bad_payload", `payload is no ${desc.typeName}: ${why.slice(0, 500)}`, {
      remedy: "write it as its contract says, in the JSON form of protobuf",
      cause,
    });
  }
}

/** The message as JSON, without what its contract marks `debug_redact`; nothing when it cannot be read. */
export function showPayload(type: MessageType | undefined, bytes: Uint8Array): JsonObject | undefined {
  const json = type && plainJson(type, bytes);
  return type && json && (mapHidden(type, type.desc, json, undefined, hide) as JsonObject);
}

/** Puts back what was hidden from whoever corrected the message. */
export function restoreHidden(type: MessageType, edited: JsonObject, original: Uint8Array): JsonObject {
  return mapHidden(type, type.desc, edited, plainJson(type, original), restore) as JsonObject;
}

function plainJson({ desc, registry }: MessageType, bytes: Uint8Array): JsonObject | undefined {
  try {
    return toJson(desc, fromBinary(desc, bytes), { registry }) as JsonObject;
  } catch {
    // Written by an older or newer contract, or by nobody who knows it: then there is nothing to show.
    return undefined;
  }
}

type Visit = (value: JsonValue, before: JsonValue | undefined, name: string) => JsonValue;

const hide: Visit = () => redacted;

const restore: Visit = (value, before, name) => {
  if (value !== redacted) return value;
  if (before !== undefined) return before;
  throw fail.invalid("bad_payload", `payload: ${name} says ${redacted} and was not there before`, {
    remedy: "write what it shall be",
  });
};

/** Goes through JSON beside its contract, and visits the values of fields that hold personal data. */
function mapHidden(
  type: MessageType,
  desc: DescMessage,
  json: JsonValue,
  before: JsonValue | undefined,
  visit: Visit,
): JsonValue {
  // Well-known types that have a form of their own in JSON hold nothing to look into, but for this one.
  if (desc.typeName === "google.protobuf.Any") return mapAny(type, json, before, visit);
  if (!isObject(json) || desc.typeName.startsWith("google.protobuf.")) return json;
  const fields = new Map(desc.fields.flatMap((it) => [[it.jsonName, it] as const, [it.name, it] as const]));
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(json)) {
    const field = fields.get(name);
    const old = isObject(before)
      ? (before[field?.jsonName ?? name] ?? before[field?.name ?? name])
      : undefined;
    if (!field || value === null) out[name] = value;
    else if (field.proto.options?.debugRedact) out[name] = visit(value, old, name);
    else out[name] = mapField(type, field, value, old, visit);
  }
  return out;
}

function mapField(
  type: MessageType,
  field: DescField,
  value: JsonValue,
  before: JsonValue | undefined,
  visit: Visit,
): JsonValue {
  const inner = field.message;
  if (!inner) return value;
  if (field.fieldKind === "list" && Array.isArray(value)) {
    const old = Array.isArray(before) ? before : [];
    return value.map((item, index) => mapHidden(type, inner, item, old[index], visit));
  }
  if (field.fieldKind === "map" && isObject(value)) {
    const old = isObject(before) ? before : {};
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, mapHidden(type, inner, item, old[key], visit)]),
    );
  }
  return mapHidden(type, inner, value, before, visit);
}

function mapAny(type: MessageType, json: JsonValue, before: JsonValue | undefined, visit: Visit): JsonValue {
  if (!isObject(json) || typeof json["@type"] !== "string") return json;
  const name = json["@type"].slice(json["@type"].lastIndexOf("/") + 1);
  const inner = type.registry.getMessage(name);
  return inner ? mapHidden(type, inner, json, before, visit) : json;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
