import type { DescMethod } from "@bufbuild/protobuf";
import type { Call } from "#mesh/call/call.ts";
import { isFieldValue } from "#mesh/call/metadata.ts";
import type { ClientOf } from "../edge/client-of.ts";
import { limited } from "../edge/limited.ts";
import { addressIdentity } from "../limits/address.ts";
import { limitFactor } from "../limits/factor.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { LimitPolicy } from "../limits/policy.ts";
import { limitPoliciesOf } from "../limits/policy.ts";
import type { Strangers } from "./strangers.ts";
import { createStrangers } from "./strangers.ts";

/** Of a stranger's metadata, what a service is told. */
const inward = ["accept-language", "idempotency-key", "last-event-id"] as const;

export interface EnteringOptions {
  readonly limiter: Limiter | undefined;
  readonly clientOf: ClientOf;
}

/** Lets a call through, and gives the metadata that goes on with it; or throws why not. */
export interface Entering {
  (method: DescMethod, call: Call): Promise<Headers>;
  /** Counts who does not come as far as that. Default: nobody does, as where limits are off. */
  readonly strangers?: Strangers | undefined;
}

/** Lets calls by RPC through, within the limits that hold for REST too. */
export function createEntering({ limiter, clientOf }: EnteringOptions): Entering {
  const known = new WeakMap<DescMethod, readonly LimitPolicy[]>();
  const policiesOf = (method: DescMethod) => {
    let policies = known.get(method);
    if (!policies) {
      policies = limitPoliciesOf(method);
      known.set(method, policies);
    }
    return policies;
  };
  const enter = async (method: DescMethod, call: Call) => {
    const given = call.requestHeader;
    const client = clientOf(call.client.address, given.get("x-forwarded-for") ?? undefined);
    if (limiter) {
      const { user } = call.caller;
      const identity = user ? `user:${user.id}` : addressIdentity(client);
      const factor = user ? limitFactor(user.roles) : 1;
      const decision = await limiter.take(identity, policiesOf(method), factor);
      call.responseHeader.set("ratelimit-policy", decision.policyHeader);
      call.responseHeader.set("ratelimit", decision.limitHeader);
      if (!decision.allowed) throw limited(decision);
    }
    const headers = new Headers({ "x-forwarded-for": client });
    const { userAgent } = call.client;
    if (userAgent && isFieldValue(userAgent)) headers.set("x-forwarded-user-agent", userAgent);
    for (const name of inward) {
      const value = given.get(name);
      if (value !== null) headers.set(name, value);
    }
    return headers;
  };
  return Object.assign(enter, { strangers: limiter && createStrangers({ limiter, clientOf, policiesOf }) });
}
