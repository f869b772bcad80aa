import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import type { CreateReportRequest } from "#gen/analytics/v1/reports_pb.js";
import { CreateReportRequestSchema } from "#gen/analytics/v1/reports_pb.js";
import type { Call } from "#mesh";
import { edge, requireUser } from "#mesh";

/** Whose reports are told apart: a user's own, or a service's that acts for nobody. */
export function senderOf(call: Call): string {
  const { user, service } = call.caller;
  if (user || !service || service.name === edge) return `user:${requireUser(call).id}`;
  return `service:${service.name}`;
}

/** Tells one request from another without keeping it. */
export const requestHash = (request: CreateReportRequest): Uint8Array =>
  createHash("sha256").update(toBinary(CreateReportRequestSchema, request)).digest();
