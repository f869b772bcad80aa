import { setTimeout as sleep } from "node:timers/promises";
import type { HealthChecks } from "../health/checks.ts";
import type { GrpcHealth } from "../health/grpc.ts";
import { healthRoutes } from "../health/routes.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Rpc } from "../rpc/rpc.ts";
import type { Front } from "../server/front.ts";
import type { Routes } from "../server/node.ts";
import type { Port } from "../server/port.ts";
import { openPort } from "../server/port.ts";
import { version } from "../version.ts";
import type { MeshConfig } from "./mesh-config.ts";

export interface ServingOptions {
  name: string;
  config: MeshConfig;
  /** Without it no port is opened: the service is reached in memory. */
  rpc: Rpc | undefined;
  /** Makes what the port answers beside. Default: nothing but the routes. */
  front?: ((routes: Routes) => Front | Promise<Front>) | undefined;
  health: HealthChecks;
  grpcHealth: GrpcHealth;
  metrics: Metrics;
  log: Logger;
}

/** A service that takes calls, and says so. */
export interface Serving {
  /** 0 in memory. */
  readonly port: number;
  /** Says that calls are no longer welcome, and leaves balancers the time to notice. */
  retire(): Promise<void>;
  /** Takes no new connections, lets what runs finish, and cuts what takes too long. */
  drain(): Promise<void>;
}

/** How often watchers of health learn of a change that nobody asked about. */
const announceMs = 2000;

export async function startServing(options: ServingOptions): Promise<Serving> {
  const { name, config, rpc, front, health, grpcHealth, metrics, log } = options;
  let accepting = false;
  let port: Port | undefined;
  const routes = healthRoutes({
    service: name,
    version,
    checks: health,
    metrics,
    accepting: () => accepting,
    port: () => port?.port ?? 0,
    connections: () => port?.connections() ?? 0,
  });
  if (rpc) {
    const { host, port: wanted } = config;
    port = await openPort({ host, port: wanted, rpc, routes, front: await front?.(routes), log });
  }
  accepting = true;

  const announce = async () => {
    const { status } = await health.report();
    grpcHealth.set(accepting && status !== "unhealthy");
  };
  await announce();
  const announcing = setInterval(() => void announce(), announceMs);
  announcing.unref();
  log.info({ port: port?.port, version }, "serving");

  return {
    port: port?.port ?? 0,
    async retire() {
      accepting = false;
      clearInterval(announcing);
      grpcHealth.set(false);
      await sleep(config.shutdownDelayMs);
    },
    async drain() {
      await port?.drain(config.shutdownGraceMs);
    },
  };
}
