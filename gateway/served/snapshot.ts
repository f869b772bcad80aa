import type { UniversalHandler } from "@connectrpc/connect/protocol";
import type { ContractsSnapshot, ServedContract } from "../contracts/contracts.ts";
import type { EdgeRoute } from "../edge/route.ts";
import { usualVersion, versionOf } from "../edge/versions.ts";
import type { Binding } from "../routing/binding.ts";
import type { Router } from "../routing/router.ts";
import { createRouter } from "../routing/router.ts";
import type { PartOptions, PartSource, ServedPart } from "./part.ts";
import { createPart } from "./part.ts";

/**
 * All that is served at one time. A request is answered by the snapshot it
 * began with, whatever comes after.
 */
export interface Snapshot {
  readonly contracts: ContractsSnapshot;
  readonly parts: readonly ServedPart[];
  readonly bindings: readonly Binding[];
  readonly router: Router<EdgeRoute>;
  /** Of the API, such as `v1`. */
  readonly versions: ReadonlySet<string>;
  readonly handlers: ReadonlyMap<string, UniversalHandler>;
}

export interface SnapshotsOptions extends PartOptions {
  /** Those of the gateway itself, served whatever else is. */
  readonly ownContracts: PartSource;
  /** Handlers that tell what is served, such as reflection. */
  readonly describe: (contracts: readonly ServedContract[]) => readonly UniversalHandler[];
}

export function createSnapshots({ describe, ownContracts, ...options }: SnapshotsOptions) {
  const own = createPart(ownContracts, options);
  const made = new WeakMap<ServedContract, ServedPart>();
  const partOf = (contract: ServedContract): ServedPart => {
    let part = made.get(contract);
    if (!part) {
      part = createPart(contract, options);
      made.set(contract, part);
    }
    return part;
  };
  return (contracts: ContractsSnapshot): Snapshot => {
    const parts = [own, ...contracts.served.map(partOf)];
    const routes = parts.flatMap((part) => part.routes);
    const handlers = [...parts.flatMap((part) => part.handlers), ...describe(contracts.served)];
    const versions = routes.map(({ template }) => versionOf(template.text)).filter((it) => it !== undefined);
    return {
      contracts,
      parts,
      bindings: parts.flatMap(({ source }) => source.bindings),
      router: createRouter(routes),
      versions: new Set([usualVersion, ...versions]),
      handlers: new Map(handlers.map((handler) => [handler.requestPath, handler])),
    };
  };
}
