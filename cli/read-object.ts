import type { JsonObject } from "@bufbuild/protobuf";
import { fail } from "#mesh/errors.ts";

/** The message as JSON that a flag gives, or a file. */
export function readObject(text: string, from: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad(from, cause instanceof Error ? cause.message : String(cause));
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw bad(from, "a message is a JSON object");
}

const bad = (from: string, why: string) => fail.invalid("bad_data", `${from} is no message: ${why}`);
