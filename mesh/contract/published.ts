import type { DescMethod } from "@bufbuild/protobuf";
import { optionsOf } from "./options.ts";

/**
 * May somebody who is no service call it, and is it meant for the outside? Of
 * all else, strangers learn nothing.
 */
export function isPublished(method: DescMethod): boolean {
  const { access, internal } = optionsOf(method) ?? {};
  if (!access || internal) return false;
  return access.public || access.signedIn || access.permission !== "";
}
