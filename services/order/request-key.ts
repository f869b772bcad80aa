import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import type { CreateOrderRequest } from "#gen/order/v1/order_pb.js";
import { CreateOrderRequestSchema } from "#gen/order/v1/order_pb.js";

/** Tells one request from another without keeping it. */
export const requestHash = (request: CreateOrderRequest): Uint8Array =>
  createHash("sha256").update(toBinary(CreateOrderRequestSchema, request)).digest();
