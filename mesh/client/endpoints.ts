import type { PickRules } from "../balance/p2c.ts";
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
  /** Since when there is no instance at all; nothing while there is one. */
  readonly emptySinceMs: number | undefined;
  close(): void;
}

export interface EndpointsOptions {
  service: string;
  directory: Directory;
  /** The id of the calling instance. */
  callerId: string;
  subsetSize: number;
  random: () => number;
  /** A clock that does not go back. */
  now: () => number;
  open: (instance: Instance) => Endpoint;
  /** The instance is not used any more; calls in flight there may end. */
  dismiss: (endpoint: Endpoint) => void;
}

export const createEndpoints = (options: EndpointsOptions): Endpoints => new Followed(options);

/** Follows the directory: at each change, and when asked, since a change may be told a moment later. */
class Followed implements Endpoints {
  private readonly options: EndpointsOptions;
  private readonly rules: PickRules<Endpoint>;
  private readonly unwatch: () => void;
  private used: readonly Endpoint[] = [];
  private seen: readonly Instance[] = [];
  private sinceMs: number | undefined;

  constructor(options: EndpointsOptions) {
    const { service, directory, random } = options;
    this.options = options;
    this.sinceMs = options.now();
    this.rules = { cost: ({ load }) => load.cost(), admits, random };
    this.unwatch = directory.watch(service, () => this.follow());
    this.follow();
  }

  get all(): readonly Endpoint[] {
    this.follow();
    return this.used;
  }

  get emptySinceMs(): number | undefined {
    this.follow();
    return this.sinceMs;
  }

  pick(tried?: readonly Endpoint[]): Endpoint | undefined {
    this.follow();
    const endpoint = pick(this.used, this.rules, tried);
    // Below half, ejections are ignored so as not to crush the rest; with no rest there is nothing to spare.
    if (endpoint && !admits(endpoint) && !this.used.some(admits)) return undefined;
    return endpoint;
  }

  close(): void {
    this.unwatch();
    for (const endpoint of this.used) this.options.dismiss(endpoint);
    this.used = [];
  }

  private follow(): void {
    const { service, directory, callerId, subsetSize, now: clock, open, dismiss } = this.options;
    const now = directory.instances(service);
    if (now === this.seen) return;
    this.seen = now;
    const known = new Map(this.used.map((endpoint) => [endpoint.instance.id, endpoint]));
    this.used = subset(now, callerId, subsetSize).map((instance) => {
      const old = known.get(instance.id);
      known.delete(instance.id);
      if (old && sameWay(old.instance, instance)) return old;
      // First, since the two may share a name, under which there are metrics.
      if (old) dismiss(old);
      return open(instance);
    });
    for (const gone of known.values()) dismiss(gone);
    this.sinceMs = this.used.length > 0 ? undefined : (this.sinceMs ?? clock());
  }
}

/** Whether what is known of the endpoint holds for the instance as it is announced now. */
const sameWay = (a: Instance, b: Instance) =>
  a === b || (a.host === b.host && a.port === b.port && a.weight === b.weight && a.express === b.express);
