/** A signed-in user, as the issuer vouches for it. */
export interface UserIdentity {
  readonly id: string;
  readonly email: string;
  readonly sessionId: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

/** A service of the mesh, as the issuer vouches for it. */
export interface ServiceIdentity {
  readonly name: string;
  readonly scopes: readonly string[];
}

/**
 * Who calls. A user alone calls from outside; a service alone on its own
 * behalf; both together is a service that acts for a user.
 */
export interface Caller {
  readonly user?: UserIdentity;
  readonly service?: ServiceIdentity;
}

/**
 * The service at the edge carries the calls of strangers: what it says of a call
 * beside who makes it is theirs to invent, and it is no part of "every service".
 */
export const edge = "gateway";

export const anonymous: Caller = Object.freeze({});

/**
 * Does this set of permissions cover the wanted one? `*` stands for any part.
 * What is not written `resource:action` covers nothing and is covered by nothing.
 */
export function permits(held: readonly string[], wanted: string): boolean {
  const [resource, action] = partsOf(wanted);
  if (!resource || !action) return false;
  return held.some((permission) => {
    const [heldResource, heldAction] = partsOf(permission);
    return (
      (heldResource === "*" || heldResource === resource) && (heldAction === "*" || heldAction === action)
    );
  });
}

function partsOf(permission: string): readonly string[] {
  const parts = permission.split(":");
  return parts.length === 2 ? parts : [];
}

/** How logs and the audit record name a caller: `user:0190…`, `service:order`, both, or `anonymous`. */
export function describeCaller({ user, service }: Caller): string {
  const names = [service && `service:${service.name}`, user && `user:${user.id}`].filter(Boolean);
  return names.join("+") || "anonymous";
}
