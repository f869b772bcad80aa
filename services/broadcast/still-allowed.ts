import type { BroadcastRow } from "./broadcasts-store.ts";
import type { Peers } from "./peers.ts";
import { adminPermission, writePermission } from "./rights.ts";

export interface StillAllowedOptions {
  permissions: Peers["permissions"];
  stopping: AbortSignal;
}

const askTimeoutMs = 2000;

/**
 * Asks whether the owner may have it go out as it is. Nothing tells when a role
 * is taken, and it may have been scheduled long ago. Fails when nobody knows.
 */
export function createStillAllowed({ permissions, stopping }: StillAllowedOptions) {
  return async ({ ownerId, everybody }: Pick<BroadcastRow, "ownerId" | "everybody">): Promise<boolean> => {
    // Only what is for everybody may have a template, a filter, or another topic in it.
    const needed = everybody ? [writePermission, adminPermission] : [writePermission];
    for (const permission of needed) {
      const question = { userId: ownerId, permission };
      const means = { signal: stopping, timeoutMs: askTimeoutMs };
      if (!(await permissions.checkPermission(question, means)).allowed) return false;
    }
    return true;
  };
}

export type StillAllowed = ReturnType<typeof createStillAllowed>;
