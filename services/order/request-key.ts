import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import type { CreateOrderRequest } from "#gen/order/v1/order_pb.js";
import { CreateOrderRequestSchema } from "#gen/order/v1/order_pb.js";
import type { Call } from "#mesh";
import { badKey } from "./refusals.ts";

/** What the gateway takes for one, too. */
const form = /^[\x21-\x7e]{1,255}$/;

/** The `Idempotency-Key` of a call, if it has one. */
export function requestKey({ requestHeader }: Call): string | undefined {
  const key = requestHeader.get("idempotency-key") ?? undefined;
  if (key !== undefined && !form.test(key)) throw badKey();
  return key;
}

/** Tells one request from another without keeping it. */
export const requestHash = (request: CreateOrderRequest): Uint8Array =>
  createHash("sha256").update(toBinary(CreateOrderRequestSchema, request)).digest();
