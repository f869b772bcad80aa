import type { Instance } from "./instance.ts";
import { isSameInstance } from "./instance.ts";
import type { ViewPolicy } from "./view-policy.ts";
import { defaultViewPolicy, dueMs, leaves } from "./view-policy.ts";

export interface ViewOptions {
  /** Milliseconds on a clock that only goes forward. */
  now: () => number;
  policy?: ViewPolicy;
  /** Default: 50,000, so that nobody who reaches the broker fills our memory. */
  mostInstances?: number;
  /** Default: 2,000. */
  mostPerService?: number;
  /** Told of a watcher that throws. Default: the error is thrown on, as nobody caught it. */
  onWatcherError?: (error: unknown) => void;
}

export type Watcher = (instances: readonly Instance[]) => void;
export type ServiceWatcher = (service: string) => void;

/** An instance whose lease is over, and which of its announcements was the last we know. */
export interface Overdue {
  readonly service: string;
  readonly id: string;
  readonly revision: number;
  /** By the policy it leaves now; otherwise its silence is not believed yet. */
  readonly leaves: boolean;
}

interface Entry {
  instance: Instance;
  revision: number;
  renewedMs: number;
}

interface Known {
  readonly entries: Map<string, Entry>;
  /** Made when it is asked for, kept until something changes. */
  list: readonly Instance[] | undefined;
  readonly watchers: Set<Watcher>;
  newestMs: number;
}

const none: readonly Instance[] = Object.freeze([]);
const byId = (a: Instance, b: Instance) => (a.id < b.id ? -1 : 1);

export type View = ReturnType<typeof createView>;

/**
 * What is known of all instances, in memory alone: it is told what the broker
 * said and asked who is there. It starts as not current; see the policy for
 * what that means.
 */
export function createView(options: ViewOptions) {
  const { now, policy = defaultViewPolicy, mostInstances = 50_000, mostPerService = 2000 } = options;
  const { onWatcherError = rethrow } = options;
  const services = new Map<string, Known>();
  /** Changed while the view was not current: told when all is in, as one change. */
  const untold = new Set<string>();
  /** Those who are told of whichever service changed. */
  const overseers = new Set<ServiceWatcher>();
  let count = 0;
  let currentSinceMs: number | undefined;
  /** Nobody is due before this. */
  let quietUntilMs = Number.NEGATIVE_INFINITY;

  const know = (service: string): Known => {
    let known = services.get(service);
    if (!known) {
      known = {
        entries: new Map(),
        list: undefined,
        watchers: new Set(),
        newestMs: Number.NEGATIVE_INFINITY,
      };
      services.set(service, known);
    }
    return known;
  };
  const listOf = (known: Known): readonly Instance[] => {
    known.list ??= Array.from(known.entries.values(), (it) => it.instance).sort(byId);
    return known.list;
  };
  const tell = (service: string) => {
    const known = services.get(service);
    const told = known ? Array.from(known.watchers, (it) => () => it(listOf(known))) : [];
    for (const overseer of overseers) told.push(() => overseer(service));
    for (const telling of told) {
      try {
        telling();
      } catch (error) {
        onWatcherError(error);
      }
    }
  };
  const change = (service: string, known: Known) => {
    known.list = undefined;
    if (known.entries.size === 0 && known.watchers.size === 0) services.delete(service);
    if (known.watchers.size === 0 && overseers.size === 0) return;
    if (currentSinceMs === undefined) untold.add(service);
    else tell(service);
  };
  const isLeaving = (entry: Entry, known: Known, atMs: number) =>
    leaves({ renewedMs: entry.renewedMs, siblingMs: known.newestMs, currentSinceMs }, atMs, policy);

  return {
    /** Takes an announcement or its renewal. False: there are too many already. */
    put(instance: Instance, revision: number): boolean {
      const { service, id } = instance;
      const entry = services.get(service)?.entries.get(id);
      const full = count >= mostInstances || (services.get(service)?.entries.size ?? 0) >= mostPerService;
      if (!entry && full) return false;
      const known = know(service);
      if (!entry) {
        count++;
        known.newestMs = now();
        quietUntilMs = Math.min(quietUntilMs, known.newestMs + policy.leaseMs);
        known.entries.set(id, { instance, revision, renewedMs: known.newestMs });
        change(service, known);
        return true;
      }
      // Delivered once more when the watch begins again, which tells nothing of the instance.
      if (entry.revision === revision) return true;
      entry.revision = revision;
      entry.renewedMs = known.newestMs = now();
      if (isSameInstance(entry.instance, instance)) return true;
      entry.instance = instance;
      change(service, known);
      return true;
    },
    /** Something that is no announcement stands in an instance's place: known of, but no renewal. */
    passOver(service: string, id: string, revision: number): void {
      const entry = services.get(service)?.entries.get(id);
      if (entry) entry.revision = revision;
    },
    withdraw(service: string, id: string): void {
      const known = services.get(service);
      if (!known?.entries.delete(id)) return;
      count--;
      change(service, known);
    },
    /** From here on what is not renewed leaves, after a lease for everybody to renew. */
    trust(): void {
      currentSinceMs = now();
      quietUntilMs = currentSinceMs + policy.leaseMs;
      const changed = [...untold];
      untold.clear();
      changed.forEach(tell);
    },
    /** Renewals may be missed from here on: what is known stays. */
    doubt(): void {
      currentSinceMs = undefined;
    },
    isCurrent: (): boolean => currentSinceMs !== undefined,
    /** Up to `most` that leave now, to be looked for at the broker first; when none does, those that are silent. */
    overdue(most: number): readonly Overdue[] {
      const nowMs = now();
      if (currentSinceMs === undefined || nowMs < quietUntilMs) return [];
      const leaving: Overdue[] = [];
      const silent: Overdue[] = [];
      quietUntilMs = Number.POSITIVE_INFINITY;
      for (const [service, known] of services) {
        for (const [id, entry] of known.entries) {
          const due = dueMs(entry.renewedMs, currentSinceMs, policy);
          quietUntilMs = Math.min(quietUntilMs, due);
          if (nowMs < due) continue;
          const leaves = isLeaving(entry, known, nowMs);
          const found = leaves ? leaving : silent;
          if (found.length < most) found.push({ service, id, revision: entry.revision, leaves });
        }
      }
      return leaving.length > 0 ? leaving : silent;
    },
    /** Lets go those that were to leave at that time and have not renewed since. */
    sweep(atMs: number): void {
      for (const [service, known] of [...services]) {
        let changed = false;
        for (const [id, entry] of known.entries) {
          if (!isLeaving(entry, known, atMs)) continue;
          known.entries.delete(id);
          count--;
          changed = true;
        }
        if (changed) change(service, known);
      }
    },
    /** Which announcement of an instance is the last we know. */
    revision: (service: string, id: string): number | undefined =>
      services.get(service)?.entries.get(id)?.revision,
    /** Sorted by id; the same array object for as long as nothing changed. */
    instances(service: string): readonly Instance[] {
      const known = services.get(service);
      return known ? listOf(known) : none;
    },
    /** Calls back with the name of each service whose instances change. */
    watchServices(changed: ServiceWatcher): () => void {
      const overseer: ServiceWatcher = (service) => changed(service);
      overseers.add(overseer);
      return () => void overseers.delete(overseer);
    },
    services: (): readonly string[] =>
      [...services].filter(([, { entries }]) => entries.size > 0).map(([service]) => service),
    size: (): number => count,
    watch(service: string, changed: Watcher): () => void {
      const known = know(service);
      // The same function may watch twice.
      const watcher: Watcher = (instances) => changed(instances);
      known.watchers.add(watcher);
      return () => {
        known.watchers.delete(watcher);
        if (known.entries.size === 0 && known.watchers.size === 0 && services.get(service) === known)
          services.delete(service);
      };
    },
  };
}

function rethrow(error: unknown): never {
  throw error;
}
