import { isUtf8 } from "node:buffer";
import { BadRequestSchema } from "#gen/google/rpc/error_details_pb.js";
import type { WeftError } from "#mesh/errors.ts";
import { fail } from "#mesh/errors.ts";
import { jsonPath } from "./json-path.ts";
import { Refused } from "./refused.ts";

/** A part of a request that cannot be used, with the field for programs to read. */
export function refusal(reason: string, part: string, field: string, why: string): WeftError {
  const where = field === "" ? part : `${part}: ${field}`;
  return fail.invalid(reason, `${where}: ${why}`, {
    details: [
      {
        desc: BadRequestSchema,
        value: { fieldViolations: [{ field: field === "" ? part : field, description: why }] },
      },
    ],
  });
}

/** Tells where in a JSON text the refusal lies. Other errors are not ours to turn. */
export function ofJson(thrown: unknown, source: Buffer): unknown {
  if (!(thrown instanceof Refused)) return thrown;
  const why = thrown.reason === "bad_json" ? `${thrown.message} (at byte ${thrown.at})` : thrown.message;
  return refusal(thrown.reason, "body", jsonPath(source, thrown.at), why);
}

/** A view of the bytes as the readers want them, checked to be UTF-8. */
export function utf8Body(body: Uint8Array): Buffer {
  if (!isUtf8(body)) throw refusal("bad_json", "body", "", "is not UTF-8");
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
