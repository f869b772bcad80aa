import type { Environment, ServiceDefinition } from "#mesh";
import { readServiceConfig } from "#mesh/host/mesh-config.ts";
import { usualPort } from "../catalog.ts";
import type { Workspace } from "../workspace.ts";
import { platformEnvironment } from "./environment.ts";
import { choosePorts } from "./ports.ts";

/** Stands for servers of ours that have no address yet. */
const unknown = { postgresUrl: "postgres://127.0.0.1/postgres", natsUrl: "nats://127.0.0.1" };

/**
 * Throws for an environment that some service would refuse, or that demands a
 * port that is taken: that is told at once, not after servers were started for nothing.
 */
export async function checkConfiguration(
  workspace: Workspace,
  services: readonly ServiceDefinition[],
  env: Environment,
): Promise<void> {
  const servers = {
    postgresUrl: env.DATABASE_URL || unknown.postgresUrl,
    natsUrl: env.NATS_URL || unknown.natsUrl,
  };
  // Without ports of our choice: those that are demanded are checked as they were given.
  const everyones = await platformEnvironment(workspace, servers, [], new Map(), env);
  for (const service of services) {
    readServiceConfig(service.name, usualPort(service), service.config ?? {}, everyones);
  }
  await choosePorts(services, env);
}
