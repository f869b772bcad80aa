import { setTimeout as sleep } from "node:timers/promises";
import type { KvWatchEntry } from "@nats-io/kv";
import type { Logger } from "../log/logger.ts";
import type { Following } from "../nats/follow-bucket.ts";
import { followBucket } from "../nats/follow-bucket.ts";
import type { Nats } from "../nats/nats.ts";
import { createBadEntries } from "./bad-entries.ts";
import type { Instance } from "./instance.ts";
import { decodeInstance, instanceKey } from "./instance.ts";
import { openInstancesBucket } from "./instances-bucket.ts";
import type { View } from "./view.ts";
import { createView } from "./view.ts";
import type { ViewPolicy } from "./view-policy.ts";
import { defaultViewPolicy } from "./view-policy.ts";

/** Where the instances of services are, as far as is known now. */
export interface Directory {
  /** Sorted by id; the same array object for as long as nothing changed. */
  instances(service: string): readonly Instance[];
  /** Calls back on every change from now on; gives back how to stop. */
  watch(service: string, changed: (instances: readonly Instance[]) => void): () => void;
  close(): void;
}

/** A directory that knows of services nobody asked for, as the gateway and the console want. */
export interface DiscoveredDirectory extends Directory {
  services(): readonly string[];
  /** Calls back with the name of each service whose instances change from now on; gives back how to stop. */
  watchServices(changed: (service: string) => void): () => void;
  /** Is what it says of now? Otherwise it is the last that was known. */
  isCurrent(): boolean;
}

export interface DirectoryOptions {
  nats: Nats;
  log: Logger;
  /** Default: the policy's own times. */
  policy?: Partial<ViewPolicy>;
  /** Default: `performance.now`, as wall clocks jump. */
  now?: () => number;
}

/** How long the start waits for the first load. */
const loadMs = 3000;
/** How long the broker may take to say that an instance is gone. */
const proofMs = 1000;
const mostProofs = 8;
/** The broker's answer may overtake what the watch has on its way. */
const mostLagging = 3;

/**
 * Follows what leases announce. Resolves when what is announced now is known,
 * or without it when the broker does not answer: it then comes by itself.
 */
export async function openDirectory(options: DirectoryOptions): Promise<DiscoveredDirectory> {
  const { nats, log, now = () => performance.now() } = options;
  const policy = { ...defaultViewPolicy, ...options.policy };
  const onWatcherError = (err: unknown) => log.error({ err }, "a watcher of instances failed");
  const view = createView({ now, policy, onWatcherError });
  const loaded = Promise.withResolvers<void>();
  const following = followBucket({
    nats,
    log,
    what: "instances of services",
    open: () => openInstancesBucket(nats),
    entry: taking(view, createBadEntries(log, now)),
    current: () => {
      view.trust();
      loaded.resolve();
    },
    lost: view.doubt,
  });
  const letGo = proving(view, following, now, policy);
  const ticks = setInterval(() => void letGo(), policy.leaseMs / 12).unref();

  const close = () => {
    clearInterval(ticks);
    following.stop();
  };
  void nats.connection.closed().then(close);
  await Promise.race([loaded.promise, sleep(loadMs, undefined, { ref: false })]);
  const { instances, watch, services, watchServices, isCurrent } = view;
  return { instances, watch, services, watchServices, isCurrent, close };
}

function taking(view: View, ignore: (key: string, why: string) => void): (entry: KvWatchEntry) => void {
  return (entry) => {
    const { key, revision } = entry;
    const dot = key.indexOf(".");
    const [service, id] = [key.slice(0, dot), key.slice(dot + 1)];
    if (entry.operation === "DEL") view.withdraw(service, id);
    // Expiry may look like a purge to those who asked the broker for markers. Ages are counted here.
    if (entry.operation !== "PUT") return;
    const instance = decodeInstance(key, entry.string());
    if (typeof instance === "string") {
      view.passOver(service, id, revision);
      ignore(key, instance);
    } else if (!view.put(instance, revision)) ignore(key, "there are too many instances");
  };
}

/**
 * Lets instances leave the view once the broker itself, asked past the watch,
 * knows no newer announcement: silence may as well be a broker that hangs, a
 * watch that died, or renewals that wait behind our own busy event loop.
 */
function proving(view: View, following: Following, now: () => number, policy: ViewPolicy) {
  let asking = false;
  let askedMs = Number.NEGATIVE_INFINITY;
  let lagging = 0;
  const prove = async () => {
    const nowMs = now();
    const overdue = view.overdue(mostProofs);
    if (overdue.length === 0) return;
    // While their silence is not believed, this finds out whether it is the watch or the broker that is silent.
    const isUrgent = overdue.some(({ leaves }) => leaves) || lagging > 0;
    if (!isUrgent && nowMs - askedMs < policy.leaseMs) return;
    askedMs = nowMs;
    const answers = Promise.all(overdue.map(({ service, id }) => following.read(instanceKey(service, id))));
    const entries = await Promise.race([answers, sleep(proofMs, undefined, { ref: false })]).catch(() => {});
    if (!view.isCurrent()) return;
    const missed = entries?.some((entry, i) => {
      const { service = "", id = "" } = overdue[i] ?? {};
      return entry?.operation === "PUT" && entry.revision !== view.revision(service, id);
    });
    if (missed === false) view.sweep(nowMs);
    lagging = missed ? lagging + 1 : 0;
    if (missed !== undefined && lagging < mostLagging) return;
    lagging = 0;
    following.again();
  };
  return async (): Promise<void> => {
    if (asking) return;
    asking = true;
    await prove().finally(() => {
      asking = false;
    });
  };
}
