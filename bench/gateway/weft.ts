import { setTimeout as sleep } from "node:timers/promises";
import type { Edge, GatewayPeer } from "./edge.ts";
import type { WeftMesh } from "./weft-mesh.ts";
import { startWeftMesh } from "./weft-mesh.ts";
import type { WeftOptions } from "./weft-options.ts";
import { readOptions } from "./weft-options.ts";
import { get } from "./work.ts";
import type { World } from "./world.ts";

/** How long the gateway may take to learn its routes; it promises two seconds. */
const routesWithinMs = 10_000;

/** Weft's gateway before a service of Weft. Each has a broker of its own, so that none finds another's service. */
export const weft = (given: Partial<WeftOptions> = {}, name = "weft"): GatewayPeer => ({
  name,
  async start(world) {
    const mesh = await startWeftMesh(world);
    const options = { ...given, env: mesh.env };
    const backend = await world.serve(`service of ${name}`, "weft-backend", options);
    const gateway = await world.serve(`gateway of ${name}`, "weft-gateway", options);
    const edge: Edge = {
      gateway,
      backend,
      headers: readOptions(given).auth ? () => bearers(mesh) : async () => [{}],
      unwrap: (answer) => (answer as { data?: unknown }).data,
    };
    await served(edge, world);
    return edge;
  },
});

const bearers = async (mesh: WeftMesh) =>
  (await mesh.tokens()).map((token) => ({ authorization: `Bearer ${token}` }));

/** Its routes come over the broker, and so a moment after its port is open. */
async function served({ gateway, headers }: Edge, { signal }: World): Promise<void> {
  const [sent = {}] = (await headers?.()) ?? [];
  const until = performance.now() + routesWithinMs;
  for (;;) {
    const response = await fetch(`${gateway.address}${get.paths[0]}`, { headers: sent, signal });
    const text = await response.text();
    if (response.ok) return;
    if (performance.now() > until) {
      throw new Error(`the gateway of weft does not serve its routes: ${response.status} ${text}`);
    }
    await sleep(50, undefined, { signal });
  }
}
