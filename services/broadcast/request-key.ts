import { createHash } from "node:crypto";
import type { JsonValue } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import type { CreateBroadcastRequest } from "#gen/broadcast/v1/broadcast_pb.js";
import { CreateBroadcastRequestSchema } from "#gen/broadcast/v1/broadcast_pb.js";

/** Tells one request from another without keeping it; maps have no order. */
export const requestHash = (request: CreateBroadcastRequest): Uint8Array =>
  createHash("sha256")
    .update(JSON.stringify(sorted(toJson(CreateBroadcastRequestSchema, request))))
    .digest();

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, it]): [string, JsonValue] => [key, sorted(it)]);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}
