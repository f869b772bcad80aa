import { createServer } from "node:net";
import type { Environment, ServiceDefinition } from "#mesh";
import { envPrefix, port, readConfig } from "#mesh";
import { usualPort } from "../catalog.ts";

/**
 * A port for each service: the one the environment demands, else the usual one
 * when it is free, else any free one, so that two checkouts run side by side.
 */
export async function choosePorts(
  services: readonly ServiceDefinition[],
  env: Environment,
): Promise<Map<string, number>> {
  const chosen = new Map<string, number>();
  for (const service of services) {
    const name = `${envPrefix(service.name)}_PORT`;
    const { [name]: demanded } = readConfig(
      { [name]: port("Port of this service.", { fallback: "0" }) },
      env,
    );
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
