import type { DescMethod } from "@bufbuild/protobuf";
import { serviceOf } from "#mesh/contract/options.ts";
import type { Arrival, Meter } from "#mesh/rpc/intake.ts";
import type { ClientOf } from "../edge/client-of.ts";
import { limited } from "../edge/limited.ts";
import { RestArrival } from "../edge/rest-arrival.ts";
import { addressIdentity } from "./address.ts";
import type { Decision } from "./decision.ts";
import { limitFactor } from "./factor.ts";
import type { Limiter } from "./limiter.ts";
import type { LimitPolicy } from "./policy.ts";
import { limitPoliciesOf } from "./policy.ts";

export interface MeterOptions {
  readonly limiter: Limiter;
  readonly clientOf: ClientOf;
}

/**
 * Holds every call to the rate limits, by whatever door it comes: by its user,
 * else by its address. That is done before it is looked at further, so whoever
 * guesses tokens or may not do what he asks for is counted too.
 */
export function createMeter({ limiter, clientOf }: MeterOptions): Meter {
  const known = new WeakMap<DescMethod, readonly LimitPolicy[]>();
  const policiesOf = (method: DescMethod): readonly LimitPolicy[] => {
    let policies = known.get(method);
    if (!policies) {
      // Health and reflection are bounded by the port, and probes must not be turned away.
      policies = serviceOf(method.parent) ? limitPoliciesOf(method) : [];
      known.set(method, policies);
    }
    return policies;
  };

  return ({ user }, arrival, { method, peer }) => {
    const policies = policiesOf(method.desc);
    if (policies.length === 0) return undefined;
    const identity = user
      ? `user:${user.id}`
      : addressIdentity(clientOf(peer.address, arrival.header("x-forwarded-for")));
    const taken = limiter.take(identity, policies, user ? limitFactor(user.roles) : 1);
    return taken instanceof Promise
      ? taken.then((decision) => settle(arrival, decision))
      : settle(arrival, taken);
  };
}

/** Tells the caller where it stands, and turns it away when that is too far. */
function settle(arrival: Arrival, decision: Decision): undefined {
  if (arrival instanceof RestArrival) arrival.decision = decision;
  else {
    arrival.responseHeader.set("ratelimit-policy", decision.policyHeader);
    arrival.responseHeader.set("ratelimit", decision.limitHeader);
  }
  if (!decision.allowed) throw limited(decision);
}
