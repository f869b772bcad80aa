import type { Call } from "#mesh";
import { edge, requireUser } from "#mesh";

/** Whose reports are told apart: a user's own, or a service's that acts for nobody. */
export function senderOf(call: Call): string {
  const { user, service } = call.caller;
  if (user || !service || service.name === edge) return `user:${requireUser(call).id}`;
  return `service:${service.name}`;
}
