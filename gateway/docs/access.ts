import type { DescMethod } from "@bufbuild/protobuf";
import type { Method } from "#gen/mesh/v1/options_pb.js";
import { optionsOf } from "#mesh/contract/options.ts";
import { isPublished } from "#mesh/contract/published.ts";

/** Which users a method lets in. */
export type Audience =
  | { readonly kind: "public" }
  | { readonly kind: "signed_in" }
  | { readonly kind: "permission"; readonly permission: string };

const none = Symbol();
const known = new WeakMap<DescMethod, Method | typeof none>();

/** What the contract states for a method; read once, since options are decoded each time. */
export function policyOf(method: DescMethod): Method | undefined {
  const policy = known.get(method) ?? optionsOf(method) ?? none;
  known.set(method, policy);
  return policy === none ? undefined : policy;
}

/** Who of the users may call a method, or nothing when only services may: such a method is not documented. */
export function audienceOf(method: DescMethod): Audience | undefined {
  if (!isPublished(method)) return undefined;
  const access = policyOf(method)?.access;
  if (access?.public) return { kind: "public" };
  // As the access check does: a rule with both lets in whoever is signed in.
  if (access?.signedIn) return { kind: "signed_in" };
  return access?.permission ? { kind: "permission", permission: access.permission } : undefined;
}

export const bearer = "bearer";
