import type { DescMethod } from "@bufbuild/protobuf";
import { optionsOf } from "#mesh";

/** Who may call it, in words for lists of routes. */
export function describeAccess(method: DescMethod): string {
  const access = optionsOf(method)?.access;
  if (access?.public) return "public";
  if (access?.signedIn) return "signed in";
  return access?.permission || "services";
}
