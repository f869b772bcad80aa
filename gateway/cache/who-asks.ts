import type { Caller, UserIdentity } from "#mesh";

const known = new WeakMap<UserIdentity, string>();

/**
 * All that a service is told of who asks and that may change its answer, but for
 * the session: who signs in twice is the same. In one line. What the user may do
 * is part of it, so an answer is not given on when that changes.
 */
export function whoAsks({ user, service }: Caller): string {
  const acting = service ? JSON.stringify([service.name, service.scopes]) : "";
  if (!user) return acting;
  // Tokens that are verified already give the same object each time.
  let text = known.get(user);
  if (text === undefined) {
    text = JSON.stringify([user.id, user.email, user.roles, user.permissions]);
    known.set(user, text);
  }
  return text + acting;
}
