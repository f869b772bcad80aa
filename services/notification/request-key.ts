import type { SendNotificationRequest } from "#gen/notification/v1/notification_pb.js";
import { SendNotificationRequestSchema } from "#gen/notification/v1/notification_pb.js";
import type { Call } from "#mesh";
import { canonicalId, edge, requestHash, requireUser } from "#mesh";

/** Whose keys are told apart: a service's own, whomever it acts for, or a user's. */
export function keeperOf(call: Call): string {
  const { service } = call.caller;
  return service && service.name !== edge ? `service:${service.name}` : `user:${requireUser(call).id}`;
}

/** Tells one request from another, however its parts are written; the key itself is none of them. */
export const sendHash = (request: SendNotificationRequest): Uint8Array =>
  requestHash(SendNotificationRequestSchema, {
    ...request,
    userId: canonicalId(request.userId),
    channels: [...request.channels].sort(),
    idempotencyKey: "",
    // Whoever speaks may be called otherwise by the second time.
    voice: "",
  });
