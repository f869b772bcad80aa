import type { Call } from "#mesh/call/call.ts";
import { isFieldValue } from "#mesh/call/metadata.ts";
import type { ClientOf } from "../edge/client-of.ts";
import { inward } from "../edge/passed-headers.ts";

/** The metadata that goes on with a call by RPC. */
export type Entering = (call: Call) => Headers;

export const createEntering =
  (clientOf: ClientOf): Entering =>
  (call) => {
    const given = call.requestHeader;
    const { address, userAgent } = call.client;
    const headers = new Headers({
      "x-forwarded-for": clientOf(address, given.get("x-forwarded-for") ?? undefined),
    });
    if (userAgent && isFieldValue(userAgent)) headers.set("x-forwarded-user-agent", userAgent);
    for (const name of inward) {
      const value = given.get(name);
      if (value !== null) headers.set(name, value);
    }
    return headers;
  };
