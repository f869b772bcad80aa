import { hash } from "node:crypto";
import type { LiveCall } from "#mesh/call/live-call.ts";
import type { NodeServerRequest } from "#mesh/server/node.ts";
import type { EdgeRoute } from "../edge/route.ts";

/** A request that is to be executed once, by the names it has in the store. */
export interface KeyedRequest {
  /** Of its entry. */
  readonly name: string;
  /** Who makes it. */
  readonly holder: string;
  /** Tells another payload under the same key. */
  readonly print: string;
  /** Known to those alone who make this very request. */
  readonly secret: Buffer;
}

/** The key of a request whose route heeds it. */
export function keyOf({ method: verb, headers }: NodeServerRequest, route: EdgeRoute): string | undefined {
  // Of those that only services may call, who calls is known to the callee alone, which gets the key.
  if (!route.keyed || route.forServices) return undefined;
  if (verb !== "POST" && verb !== "PATCH" && verb !== "PUT" && verb !== "DELETE") return undefined;
  const key = headers["idempotency-key"];
  // As Node has it, one that came twice is joined by a comma and a space, and so is no key.
  return typeof key === "string" ? key : key?.join(", ");
}

/**
 * Whether a request goes on when its client hangs up. With a key the client
 * will ask again for the answer, so it is of use though nobody waits for it now;
 * to break off would leave nobody sure of what was done.
 */
export const outlivesItsClient = (request: NodeServerRequest, route: EdgeRoute): boolean =>
  keyOf(request, route) !== undefined;

/**
 * Keys of one caller mean nothing to another: whoever guesses one finds only
 * entries of their own. The parts are hashed together, so the store shows none.
 */
export function keyedRequest(
  key: string,
  route: EdgeRoute,
  call: LiveCall,
  client: string,
  message: Uint8Array,
): KeyedRequest {
  const { binding, method } = route;
  const identity = identityOf(call, client);
  const whose = JSON.stringify([identity, method.name, key]);
  const what = `${whose}\n${binding.verb} ${binding.template.text}\n${hash("sha256", message)}`;
  return {
    holder: hash("sha256", JSON.stringify(identity), "base64url"),
    name: hash("sha256", `name ${whose}`, "base64url"),
    print: hash("sha256", `print ${what}`, "base64url"),
    secret: hash("sha256", `secret ${what}`, "buffer"),
  };
}

function identityOf({ caller: { user, service }, userToken }: LiveCall, client: string): readonly string[] {
  const acting = service ? [service.name] : [];
  if (user) return ["user", user.id, ...acting];
  // A public method gets a token that nobody has believed, and may answer by it.
  if (userToken !== "") return ["token", userToken, ...acting];
  return ["address", client, ...acting];
}
