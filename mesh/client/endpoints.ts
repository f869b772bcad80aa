import { pick } from "../balance/p2c.ts";
import { subset } from "../balance/subset.ts";
import type { Directory } from "../discovery/directory.ts";
import type { Instance } from "../discovery/instance.ts";
import type { Endpoint } from "./endpoint.ts";
import { admits } from "./endpoint.ts";

/** The instances of one service that this caller uses. */
export interface Endpoints {
  /**
   * The best for a call that these have been tried for. Nothing when there is no
   * instance, or when none of them lets calls through.
   */
  pick(tried?: readonly Endpoint[]): Endpoint | undefined;
  readonly all: readonly Endpoint[];
  close(): void;
}

export interface EndpointsOptions {
  service: string;
  directory: Directory;
  /** The id of the calling instance. */
  callerId: string;
  subsetSize: number;
  random: () => number;
  open: (instance: Instance) => Endpoint;
  /** The instance is not used any more; calls in flight there may end. */
  dismiss: (endpoint: Endpoint) => void;
}

export function createEndpoints(options: EndpointsOptions): Endpoints {
  const { service, directory, callerId, subsetSize, random, open, dismiss } = options;
  const rules = { cost: ({ load }: Endpoint) => load.cost(), admits, random };
  let all: readonly Endpoint[] = [];
  let seen: readonly Instance[] = [];

  const follow = () => {
    const now = directory.instances(service);
    if (now === seen) return;
    seen = now;
    const known = new Map(all.map((endpoint) => [endpoint.instance.id, endpoint]));
    all = subset(now, callerId, subsetSize).map((instance) => {
      const old = known.get(instance.id);
      known.delete(instance.id);
      if (old && sameWay(old.instance, instance)) return old;
      // First, since the two may share a name, under which there are metrics.
      if (old) dismiss(old);
      return open(instance);
    });
    for (const gone of known.values()) dismiss(gone);
  };
  follow();

  return {
    pick(tried) {
      follow();
      const endpoint = pick(all, rules, tried);
      // Below half, ejections are ignored so as not to crush the rest; with no rest there is nothing to spare.
      if (endpoint && !admits(endpoint) && !all.some(admits)) return undefined;
      return endpoint;
    },
    get all() {
      follow();
      return all;
    },
    close() {
      for (const endpoint of all) dismiss(endpoint);
      all = [];
    },
  };
}

/** Whether what is known of the endpoint holds for the instance as it is announced now. */
const sameWay = (a: Instance, b: Instance) =>
  a === b || (a.host === b.host && a.port === b.port && a.weight === b.weight && a.express === b.express);
