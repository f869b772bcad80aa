/** Weft's gateway, as it is served, in a process of its own. */
import gateway from "../../../gateway/service.ts";
import { hostService } from "../../../mesh/host/host.ts";
import { freePort } from "../../../mesh/testing/free-port.ts";
import type { PeerOptions } from "../../harness/orders.ts";
import { envOf, readOptions } from "../weft-options.ts";
import { nowhere } from "./nowhere.ts";

export async function startServer({ env, ...given }: PeerOptions) {
  const options = readOptions(given);
  const hosted = await hostService(gateway, {
    env: { ...(env as Record<string, string>), ...envOf(options), GATEWAY_PORT: `${await freePort()}` },
    logs: nowhere(),
  });
  return { address: `http://127.0.0.1:${hosted.port}` };
}
