import { WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { processOf } from "../client/process-of.ts";
import type { Directory, DiscoveredDirectory } from "../discovery/directory.ts";
import { openDirectory } from "../discovery/directory.ts";
import { createLayeredDirectory } from "../discovery/layered-directory.ts";
import { createStaticDirectory } from "../discovery/static-directory.ts";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import type { ServiceDefinition } from "../service.ts";
import type { MeshConfig } from "./mesh-config.ts";

export interface ServiceDirectory {
  /** Where the services are that this one calls: as configured, else as announced, or at their usual ports where nobody announces anything. */
  readonly directory: Directory;
  /** Whoever announces itself, called or not; nothing without discovery. */
  readonly discovered: DiscoveredDirectory | undefined;
}

export async function openServiceDirectory(
  { calls = {}, contracts }: ServiceDefinition,
  config: MeshConfig,
  nats: Nats,
  log: Logger,
): Promise<ServiceDirectory> {
  const called = [...Object.values(calls), ...contracts, TokenService, WorkService].map(processOf);
  const ports = new Map(called.map(({ name, port }) => [name, port]));
  const discovered = config.discovery ? await openDirectory({ nats, log }) : undefined;
  const directory = createLayeredDirectory({
    fixed: createStaticDirectory(config.endpoints),
    discovered: discovered ?? createStaticDirectory({}),
    usual: (service) => {
      // Beside discovery it would find another platform of this machine while its own is not there yet.
      const port = discovered ? undefined : ports.get(service);
      return port === undefined ? undefined : { host: "127.0.0.1", port };
    },
  });
  return { directory, discovered };
}
