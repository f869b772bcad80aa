import type { Instance } from "#mesh/discovery/instance.ts";

/** A contract that instances of a service run. */
export interface Running {
  readonly hash: string;
  /** Id of the oldest instance that runs it. */
  readonly since: string;
}

/** While versions take turns there are two; more is a mistake, or meant to fill our memory. */
const mostAtOnce = 3;

/** The contracts that a service's instances run: of the newest instance first. */
export function runningContracts(instances: readonly Instance[]): readonly Running[] {
  const running = new Map<string, string>();
  // Sorted by id, and ids by the time of start.
  for (let i = instances.length - 1; i >= 0; i--) {
    const { contracts, id } = instances[i] ?? { contracts: "", id: "" };
    if (running.has(contracts) || running.size < mostAtOnce) running.set(contracts, id);
  }
  return Array.from(running, ([hash, since]) => ({ hash, since }));
}
