import type { Credentials } from "#mesh/identity/credentials.ts";
import { userHeader } from "#mesh/identity/tokens.ts";

/**
 * The proof that the caller itself showed, as it came: for what only services
 * may call. It is made out to the callee, which alone can tell what it is worth.
 */
export const shownCredentials: Credentials = (_callee, call) => ({
  authorization: call?.requestHeader.get("authorization") ?? "",
  statement: call?.requestHeader.get(userHeader) ?? "",
});
