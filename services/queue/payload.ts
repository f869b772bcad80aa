import type { DescMessage, JsonObject, Message } from "@bufbuild/protobuf";
import { create, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import {
  FieldPathElementSchema,
  ViolationsSchema,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { fail, WeftError } from "#mesh";
import { hideJson, restoreJson } from "#mesh/log/hidden-json.ts";
import { redacted } from "#mesh/log/redact.ts";
import { mostBytes } from "#mesh/nats/most-bytes.ts";
import { validate } from "#mesh/rpc/validate.ts";
import type { MessageType } from "./message-types.ts";

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
  return type && json && (hideJson(type.desc, json, type.registry) as JsonObject);
}

/** Puts back what was hidden from whoever corrected the message. */
export function restoreHidden(type: MessageType, edited: JsonObject, original: Uint8Array): JsonObject {
  const { desc, registry } = type;
  return restoreJson(desc, edited, plainJson(type, original), registry, neverThere) as JsonObject;
}

function plainJson({ desc, registry }: MessageType, bytes: Uint8Array): JsonObject | undefined {
  try {
    return toJson(desc, fromBinary(desc, bytes), { registry }) as JsonObject;
  } catch {
    // Written by an older or newer contract, or by nobody who knows it: then there is nothing to show.
    return undefined;
  }
}

const neverThere = (name: string): Error =>
  fail.invalid("bad_payload", `payload: ${name} says ${redacted} and was not there before`, {
    remedy: "write what it shall be",
  });
