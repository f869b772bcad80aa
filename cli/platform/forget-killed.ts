import type { Environment } from "#mesh";
import { connectNats } from "#mesh";
import { forgetInstances } from "#mesh/discovery/instances-bucket.ts";
import { silent } from "../broker.ts";

const waitMs = 5000;

/**
 * Makes our own broker forget the instances of a platform that was killed: it
 * keeps their leases for some seconds, and by now another checkout may answer on their ports.
 */
export async function forgetKilled(url: string, env: Environment): Promise<void> {
  const nats = await connectNats({
    url,
    namespace: env.WEFT_NAMESPACE ?? "",
    name: "weft",
    log: silent,
    waitMs,
  });
  try {
    await forgetInstances(nats);
  } finally {
    await nats.connection.close();
  }
}
