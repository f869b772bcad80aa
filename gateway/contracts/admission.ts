import type { Claims } from "./claims.ts";
import { claimsOf, collisions } from "./claims.ts";
import type { ServedContract } from "./contracts.ts";

/**
 * Who is served when two services claim the same name or route: whoever is
 * served already. Only what was claimed within the last `settleMs` yields to a
 * contract that is older, by the id of the first of its instances: those that
 * come up together are heard of and loaded in an order that differs from one
 * gateway to the next, and all gateways must decide alike.
 */
export const settleMs = 10_000;

export interface Candidate {
  readonly contract: ServedContract;
  /** Id of the oldest instance known to serve it. Ids are UUIDv7, so the smaller is the older. */
  readonly since: string;
}

/** Since when a service has a name or route, through all its contracts that have it. */
interface Hold {
  readonly since: string;
  readonly atMs: number;
}

export interface Standing extends Candidate {
  readonly claims: Claims;
  readonly holds: ReadonlyMap<string, Hold>;
  /** What was served before it, should it have to yield. */
  readonly before: Standing | undefined;
}

export type Standings = ReadonlyMap<string, Standing>;

/** What is served with the candidate in place of its service's former contract, or why it is refused. */
export function admit(
  standings: Standings,
  { contract, since }: Candidate,
  own: Claims,
  nowMs: number,
): { standings: Standings } | { problems: string[] } {
  const claims = claimsOf(contract.contracts, contract.bindings);
  const problems = collisions(claims, own).map((it) => `it claims ${it.wanted}, which is the gateway's own`);
  const yielding: Standing[] = [];
  for (const other of standings.values()) {
    if (other.contract.service === contract.service) continue;
    const common = collisions(claims, other.claims);
    if (common.length === 0) continue;
    const yields = ({ key }: { key: string }) => {
      const hold = other.holds.get(key);
      return hold !== undefined && nowMs - hold.atMs < settleMs && since < hold.since;
    };
    if (common.every(yields)) yielding.push(other);
    else {
      for (const it of common)
        problems.push(`it claims ${it.wanted}; ${other.contract.service} serves ${it.taken} already`);
    }
  }
  if (problems.length > 0) return { problems };
  const next = new Map(standings);
  for (const other of yielding) {
    const { before, contract } = other;
    // Whether what was served before is free of conflict is seen as for any other candidate.
    const isFree = before && collisions(claims, before.claims).length === 0;
    if (before && isFree && isClear(before, next)) next.set(contract.service, before);
    else next.delete(contract.service);
  }
  const former = standings.get(contract.service);
  // One step back is enough, and a chain would keep everything.
  const before = former && { ...former, before: undefined };
  const holds = new Map<string, Hold>();
  for (const key of claims.keys()) holds.set(key, former?.holds.get(key) ?? { since, atMs: nowMs });
  next.set(contract.service, { contract, since, claims, holds, before });
  return { standings: next };
}

function isClear(standing: Standing, among: Standings): boolean {
  const { service } = standing.contract;
  return [...among.values()].every(
    (it) => it.contract.service === service || collisions(standing.claims, it.claims).length === 0,
  );
}

/** Contracts are admitted oldest first, so that the order in which they became known does not decide. */
export const byAge = (a: Candidate, b: Candidate): number => {
  if (a.since !== b.since) return a.since < b.since ? -1 : 1;
  return a.contract.service < b.contract.service ? -1 : 1;
};
