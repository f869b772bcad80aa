import { networkInterfaces } from "node:os";
import type { DescFile } from "@bufbuild/protobuf";
import { settleHere } from "../client/neighbours.ts";
import { describeContracts } from "../discovery/contracts.ts";
import { keepContracts } from "../discovery/contracts-bucket.ts";
import { holdLease } from "../discovery/lease.ts";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import type { Rpc } from "../rpc/rpc.ts";
import type { ServiceDefinition } from "../service.ts";
import { version } from "../version.ts";
import type { MeshConfig } from "./mesh-config.ts";

export interface PresenceOptions {
  definition: ServiceDefinition;
  instanceId: string;
  port: number;
  rpc: Rpc;
  config: MeshConfig;
  nats: Nats;
  log: Logger;
  /** What others may have to read beside its contracts. Default: nothing. */
  shows?: readonly DescFile[];
}

/** An instance that others can find. */
export interface Presence {
  /** Takes it out of the others' view. They learn of it before this resolves, unless the broker is away. */
  withdraw(): Promise<void>;
}

/**
 * Makes an instance known: to its neighbours in this process, and to all by the
 * broker. Throws, and leaves nothing, for one that cannot be announced at all.
 */
export function announce(options: PresenceOptions): Presence {
  const { instanceId, rpc, config } = options;
  const announced = config.discovery ? announceToAll(options) : undefined;
  const leave = settleHere(instanceId, rpc);
  return {
    withdraw: async () => {
      await announced?.withdraw();
      leave();
    },
  };
}

function announceToAll(options: PresenceOptions): Presence {
  const { definition, instanceId, port, config, nats, log, shows } = options;
  const contracts = describeContracts(definition.contracts, shows);
  const instance = {
    id: instanceId,
    service: definition.name,
    host: config.advertisedHost || reachableHost(config.host),
    port,
    version,
    weight: config.weight,
    contracts: contracts.hash,
    express: true,
  };
  const lease = holdLease({ nats, log, instance });
  try {
    const kept = keepContracts({ nats, log, contracts });
    return { withdraw: async () => void (await Promise.all([lease.withdraw(), kept.stop()])) };
  } catch (error) {
    void lease.withdraw();
    throw error;
  }
}

/** Who listens everywhere is reached by others at the first address that leads out of this machine. */
function reachableHost(host: string): string {
  if (host !== "0.0.0.0" && host !== "::") return host;
  const addresses = Object.values(networkInterfaces()).flatMap((it) => it ?? []);
  const outward = addresses.find(({ internal, family }) => !internal && family === "IPv4");
  return outward?.address ?? "127.0.0.1";
}
