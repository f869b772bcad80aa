import { WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { ServiceDefinition } from "#mesh";

/** What decides when a service stops. */
export type Ordered = Pick<ServiceDefinition, "contracts" | "edge">;

/** The door closes first; then those who work; then who is told what became of it; and last who proves them. */
function waveOf({ contracts, edge }: Ordered): number {
  if (edge) return 0;
  if (contracts.includes(TokenService)) return 3;
  return contracts.includes(WorkService) ? 2 : 1;
}

/** Stops services wave by wave, so that none ends before those who have to tell it something. */
export async function stopInOrder<T extends { stop(): Promise<void> }>(
  running: readonly { readonly definition: Ordered; readonly service: T }[],
): Promise<void> {
  const waves = Map.groupBy(running, ({ definition }) => waveOf(definition));
  for (const [, wave] of [...waves].sort(([a], [b]) => a - b)) {
    await Promise.all(wave.map(({ service }) => service.stop()));
  }
}
