import type { Call } from "#mesh";
import { cleanText, requireUser } from "#mesh";
import type { Peers } from "./peers.ts";
import { isAdmin } from "./rights.ts";

/** In whose name this user's broadcasts speak; empty for the platform. */
export type FindVoice = (call: Call) => Promise<string>;

/** Asked by the user's own right, when it is drafted. */
export const createFindVoice =
  (profiles: Peers["profiles"]): FindVoice =>
  async (call) => {
    if (isAdmin(requireUser(call))) return "";
    const { user } = await profiles.getProfile({});
    return cleanText(user?.profile?.displayName ?? "");
  };
