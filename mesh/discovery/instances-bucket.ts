import type { KV } from "@nats-io/kv";
import type { Nats } from "../nats/nats.ts";

/** One entry per instance, under `<service>.<id>`. Only leases write there. */
export const instancesBucket = "weft_instances";

/**
 * Entries nobody renews are forgotten by the broker too, later than by any
 * view: so one who starts does not meet yesterday's instances.
 */
const instancesTtlMs = 15_000;

export const openInstancesBucket = (nats: Nats): Promise<KV> =>
  nats.bucket(instancesBucket, { ttl: instancesTtlMs, history: 1 });

/** For a broker that nobody else uses, before anyone starts: what stands there is of those who were killed. */
export async function forgetInstances(nats: Nats): Promise<void> {
  const bucket = await openInstancesBucket(nats);
  for await (const key of await bucket.keys()) await bucket.purge(key);
}
