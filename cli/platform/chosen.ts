import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { ServiceDefinition } from "#mesh";

/** What decides who is needed. */
export type Needing = Pick<ServiceDefinition, "name" | "contracts" | "calls" | "edge">;

/**
 * The services of these names, and who must run for them to work: whom they
 * call, the issuer that they prove themselves to, and the edge in front. All, for no names.
 */
export function chosen<T extends Needing>(all: readonly T[], names: readonly string[]): T[] {
  if (names.length === 0) return [...all];
  const needed = new Set<T>();
  const need = (service: T) => {
    if (needed.has(service)) return;
    needed.add(service);
    const called = Object.values(service.calls ?? {});
    all.filter(({ contracts }) => contracts.some((it) => called.includes(it))).forEach(need);
  };
  all
    .filter(({ name, contracts, edge }) => edge || contracts.includes(TokenService) || names.includes(name))
    .forEach(need);
  return all.filter((service) => needed.has(service));
}
