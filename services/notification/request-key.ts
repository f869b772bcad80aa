import { createHash } from "node:crypto";
import type { SendNotificationRequest } from "#gen/notification/v1/notification_pb.js";
import type { Call } from "#mesh";
import { edge, requireUser } from "#mesh";

/** Whose keys are told apart: a service's own, whomever it acts for, or a user's. */
export function senderOf(call: Call): string {
  const { service } = call.caller;
  return service && service.name !== edge ? `service:${service.name}` : `user:${requireUser(call).id}`;
}

/** Tells one request from another without keeping it; maps have no order. */
export function requestHash(request: SendNotificationRequest): Uint8Array {
  const { userId, topic, channels, content, link, urgent } = request;
  const said =
    content.case === "template"
      ? [content.value.name, Object.entries(content.value.variables).sort(([a], [b]) => (a < b ? -1 : 1))]
      : [content.value?.subject, content.value?.text];
  const all = [userId.toLowerCase(), topic, [...channels].sort(), content.case, said, link, urgent];
  return createHash("sha256").update(JSON.stringify(all)).digest();
}
