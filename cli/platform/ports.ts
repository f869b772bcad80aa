import { createServer } from "node:net";
import type { Environment, ServiceDefinition } from "#mesh";
import { envPrefix, fail, meshFields, port, readConfig } from "#mesh";
import { usualPort } from "../catalog.ts";

/**
 * A port for each service: the one the environment demands, else the usual one
 * when it is free, else any free one, so that two checkouts run side by side.
 * Throws when one that is demanded is taken: no other choice would mend that.
 */
export async function choosePorts(
  services: readonly ServiceDefinition[],
  env: Environment,
): Promise<Map<string, number>> {
  const chosen = new Map<string, number>();
  const { WEFT_HOST: host } = readConfig({ WEFT_HOST: meshFields.WEFT_HOST }, env);
  for (const service of services) {
    const name = `${envPrefix(service.name)}_PORT`;
    const { [name]: demanded } = readConfig(
      { [name]: port("Port of this service.", { fallback: "0" }) },
      env,
    );
    if (demanded && (await isTaken(demanded, host))) {
      throw fail.precondition("port_taken", `port ${host}:${demanded} is taken by another process`, {
        remedy: `end that, or choose another with ${name}`,
      });
    }
    chosen.set(service.name, demanded || (await freePort(usualPort(service))) || (await freePort(0)));
  }
  return chosen;
}

/** This port if it can be bound, any for 0; 0 if it cannot. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(0));
    server.listen({ host: "127.0.0.1", port: wanted }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Does somebody else listen there? What else may be wrong with it, the service says when it starts. */
function isTaken(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
    server.listen({ host, port }, () => server.close(() => resolve(false)));
  });
}
