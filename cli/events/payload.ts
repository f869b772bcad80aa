import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { fail } from "#mesh/errors.ts";
import { hideJson, restoreJson } from "#mesh/log/hidden-json.ts";
import { redacted } from "#mesh/log/redact.ts";
import { validate } from "#mesh/rpc/validate.ts";
import type { FindType, MessageType } from "./message-types.ts";

/** What of a message can be shown: its JSON without what is personal, or why there is none. */
export type Shown =
  | { readonly json: JsonObject; readonly problem?: undefined }
  | { readonly json?: undefined; readonly problem: string };

export async function showPayload(find: FindType, typeName: string, data: Uint8Array): Promise<Shown> {
  const type = await find(typeName);
  // Bytes that nobody can read may hold anything, and are not shown.
  if (!type) return { problem: `${data.length} bytes of a type that is not known here` };
  try {
    return { json: hideJson(type.desc, plainJson(type, data), type.registry) as JsonObject };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { problem: `${data.length} bytes that are no ${typeName}: ${why}` };
  }
}

/** The message that edited JSON stands for, encoded. What was hidden may stay so, and keeps what it had. */
export async function encodeEdited(
  find: FindType,
  typeName: string,
  edited: JsonValue,
  original: Uint8Array,
): Promise<Uint8Array> {
  const type = await find(typeName);
  if (!type) {
    throw fail.precondition("unknown_message_type", `nobody here knows ${typeName || "this message"}`, {
      remedy: "replay it as it was, or start a service that has it in its contracts",
    });
  }
  const { desc, registry } = type;
  const message = parse(type, restoreJson(desc, edited, readable(type, original), registry, neverThere));
  validate(type.desc, message);
  return toBinary(type.desc, message);
}

const plainJson = ({ desc, registry }: MessageType, data: Uint8Array): JsonValue =>
  toJson(desc, fromBinary(desc, data), { registry });

const neverThere = (field: string): Error =>
  fail.invalid("bad_data", `${field} says ${redacted} and was not there before`, {
    remedy: "write what it shall be",
  });

/** Nothing to keep where it could not be read, which may be why it is edited. */
function readable(type: MessageType, data: Uint8Array): JsonValue | undefined {
  try {
    return plainJson(type, data);
  } catch {
    return undefined;
  }
}

function parse({ desc, registry }: MessageType, json: JsonValue) {
  try {
    return fromJson(desc, json, { registry });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fail.invalid("bad_data", `what you gave is no ${desc.typeName}: ${why}`, {
      remedy: "write it as its contract says, in the JSON form of protobuf",
      cause,
    });
  }
}
