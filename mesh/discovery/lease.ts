import { setTimeout as sleep } from "node:timers/promises";
import type { KV } from "@nats-io/kv";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import type { Instance } from "./instance.ts";
import { encodeInstance, instanceKey } from "./instance.ts";
import { openInstancesBucket } from "./instances-bucket.ts";
import { repeatAtBroker } from "./repeat.ts";

export interface LeaseOptions {
  nats: Nats;
  instance: Instance;
  log: Logger;
  /** Default: 2 s, so that a busy event loop may miss one and be late with the next. */
  renewMs?: number;
  /** Default: `Math.random`. */
  random?: () => number;
}

export interface Lease {
  /** Resolves when the broker has taken it for the first time; never rejects. */
  readonly announced: Promise<void>;
  /** Changes its share of calls, told at once. */
  setWeight(weight: number): void;
  /** For a stop in good order: the others learn at once. Never rejects, and takes a second at most when the broker is away. */
  withdraw(): Promise<void>;
}

const farewellMs = 1000;
/** All instances come back when the broker does. */
const spreadMs = 250;

/**
 * Announces an instance and renews it until it is withdrawn, whatever becomes
 * of the broker meanwhile. Throws only for an instance that cannot be announced
 * at all.
 */
export function holdLease(options: LeaseOptions): Lease {
  const { nats, log, renewMs = 2000, random = Math.random } = options;
  const key = instanceKey(options.instance.service, options.instance.id);
  let instance = options.instance;
  let text = encodeInstance(instance);
  let bucket: KV | undefined;

  const put = async (to: KV) => {
    await to.put(key, text, { timeout: Math.max(renewMs, 1000) });
    bucket = to;
  };
  const renew = async () => {
    const known = bucket;
    bucket = undefined;
    if (!known) return put(await openInstancesBucket(nats));
    // The bucket goes with a broker that loses its memory; to open it is to make it again.
    await put(known).catch(async () => put(await openInstancesBucket(nats)));
  };
  const renewal = repeatAtBroker({
    nats,
    log,
    what: "announce this instance",
    everyMs: renewMs,
    spreadMs: Math.min(spreadMs, renewMs),
    random,
    work: renew,
  });

  const withdraw = async () => {
    const farewell = async () => {
      await renewal.stop();
      if (nats.connected()) await (bucket ?? (await openInstancesBucket(nats))).delete(key);
    };
    await Promise.race([farewell(), sleep(farewellMs, undefined, { ref: false })]).catch((err: unknown) => {
      log.warn({ err }, "cannot withdraw this instance; the others will miss its renewal");
    });
  };
  let withdrawn: Promise<void> | undefined;
  return {
    announced: renewal.done,
    setWeight(weight) {
      instance = { ...instance, weight };
      text = encodeInstance(instance);
      renewal.now();
    },
    withdraw() {
      withdrawn ??= withdraw();
      return withdrawn;
    },
  };
}
