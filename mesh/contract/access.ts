import type { Access } from "#gen/mesh/v1/options_pb.js";
import type { Caller } from "../call/identity.ts";
import { edge, permits } from "../call/identity.ts";
import { fail } from "../errors.ts";

/** Lets a caller in by returning, or throws why not. */
export type AccessCheck = (caller: Caller) => void;

const permissionForm = /^([a-z][a-z0-9_-]*|\*):([a-z][a-z0-9_-]*|\*)$/;

/** What is wrong with a rule, or nothing. A rule that lets nobody in is a mistake, not a policy. */
export function accessProblem(access: Access | undefined): string | undefined {
  if (!access) return "has no access rule: say who may call it with option (mesh.v1.method).access";
  const others = access.signedIn || access.permission || access.services.length > 0 || access.scope;
  if (access.public) return others ? "is public and restricted at once: choose one" : undefined;
  if (!others) return "has an empty access rule, which lets nobody in: name who may call it";
  for (const value of [access.permission, access.scope]) {
    if (value && !permissionForm.test(value)) return `names "${value}", which is not written resource:action`;
  }
  return undefined;
}

/** Compiles a rule into a closure, so that nothing is looked up per call. */
export function compileAccess(name: string, access: Access): AccessCheck {
  if (access.public) return () => {};
  const asService = serviceRule(access);
  const asUser = userRule(access);
  return (caller) => {
    if (caller.service && asService?.(caller)) return;
    if (caller.user && asUser?.(caller)) return;
    throw refusal(name, access, caller);
  };
}

function serviceRule({ services, scope }: Access): ((caller: Caller) => boolean) | undefined {
  if (services.length === 0 && !scope) return undefined;
  const names = new Set(services);
  const anyName = names.has("*");
  return ({ service }) =>
    service !== undefined &&
    ((anyName && service.name !== edge) ||
      names.has(service.name) ||
      (scope !== "" && permits(service.scopes, scope)));
}

function userRule({ signedIn, permission }: Access): ((caller: Caller) => boolean) | undefined {
  if (signedIn) return () => true;
  if (permission) return ({ user }) => user !== undefined && permits(user.permissions, permission);
  return undefined;
}

function refusal(name: string, access: Access, { user, service }: Caller): Error {
  const forUsers = access.signedIn || access.permission !== "";
  if (!user && !service) {
    return fail.unauthenticated("credentials_required", `${name} needs credentials`, {
      remedy: forUsers
        ? "send `authorization: Bearer <access token>`"
        : "only services of the mesh may call it",
    });
  }
  if (user && access.permission) {
    return fail.denied("permission_missing", `${name} needs the permission ${access.permission}`);
  }
  if (service && access.scope && !permits(service.scopes, access.scope)) {
    return fail.denied(
      "scope_missing",
      `${name} needs the scope ${access.scope}, which ${service.name} lacks`,
    );
  }
  return fail.denied("caller_not_allowed", `${name} is not for this caller`);
}
