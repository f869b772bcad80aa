import type { Directory } from "./directory.ts";
import type { Instance } from "./instance.ts";
import { staticInstance } from "./static-directory.ts";

export interface LayeredDirectoryOptions {
  /** What configuration names; what it knows of a service is all there is. */
  fixed: Directory;
  /** Asked for all others. */
  discovered: Directory;
  /** Where a service is that nobody announced; nothing when that is not known either. */
  usual: (service: string) => { host: string; port: number } | undefined;
}

/** Configuration first, then discovery, then the usual place. Closing it closes both. */
export function createLayeredDirectory({ fixed, discovered, usual }: LayeredDirectoryOptions): Directory {
  const atUsual = new Map<string, readonly Instance[]>();
  const instances = (service: string): readonly Instance[] => {
    const named = fixed.instances(service);
    if (named.length > 0) return named;
    const found = discovered.instances(service);
    if (found.length > 0) return found;
    const known = atUsual.get(service);
    if (known) return known;
    const place = usual(service);
    // Kept for the services that have one, which are those with a contract.
    if (!place) return found;
    const made = [staticInstance(service, place.host, place.port)];
    atUsual.set(service, made);
    return made;
  };
  return {
    instances,
    watch: (service, changed) =>
      fixed.instances(service).length > 0
        ? fixed.watch(service, changed)
        : discovered.watch(service, () => changed(instances(service))),
    close: () => {
      fixed.close();
      discovered.close();
    },
  };
}
