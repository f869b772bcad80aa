import type { Network } from "../client/network.ts";
import { processOf } from "../client/process-of.ts";
import type { HealthChecks } from "../health/checks.ts";
import type { Contracts } from "../service.ts";

/**
 * Shows in a service's health whether those it calls are there. Only whether
 * they live is asked, not how they are: two services that call each other
 * would wait for each other's answer, and one that is down is not both down.
 */
export function watchCallees(health: HealthChecks, calls: Contracts, network: Network): void {
  const callees = new Map(Object.values(calls).map((contract) => [processOf(contract).name, contract]));
  for (const [name, contract] of callees) {
    health.add({ name, critical: false, check: () => network.ping(contract) });
  }
}
