import type { Environment, ServiceDefinition } from "#mesh";
import { envPrefix } from "#mesh";
import { readMasterKey, trustFile } from "../keys.ts";
import type { Workspace } from "../workspace.ts";
import type { Infrastructure } from "./infrastructure.ts";

/** The environment in which every service of this platform finds the others, its stores and its keys. */
export async function platformEnvironment(
  workspace: Workspace,
  infrastructure: Pick<Infrastructure, "postgresUrl" | "natsUrl">,
  services: readonly ServiceDefinition[],
  ports: ReadonlyMap<string, number>,
  env: Environment,
): Promise<Record<string, string>> {
  const portOf = (name: string) => String(ports.get(name) ?? 0);
  const given = Object.fromEntries(
    Object.entries(env).filter((it): it is [string, string] => it[1] !== undefined),
  );
  return {
    ...given,
    DATABASE_URL: infrastructure.postgresUrl,
    NATS_URL: infrastructure.natsUrl,
    WEFT_KEYS_DIR: workspace.keys,
    ...Object.fromEntries(services.map(({ name }) => [`${envPrefix(name)}_PORT`, portOf(name)])),
    SECURITY_TRUST_FILE: env.SECURITY_TRUST_FILE || trustFile(workspace.keys),
    // What is given in a file is read by who needs it.
    ...(!env.SECURITY_MASTER_KEY_FILE && {
      SECURITY_MASTER_KEY: env.SECURITY_MASTER_KEY || (await readMasterKey(workspace.keys)),
    }),
  };
}
