import type { Endpoints } from "../config/endpoints.ts";
import { urlsOf } from "../config/endpoints.ts";
import { fail } from "../errors.ts";
import { version } from "../version.ts";
import type { Directory } from "./directory.ts";
import type { Instance } from "./instance.ts";
import { defaultWeight, isHost } from "./instance.ts";

const none: readonly Instance[] = Object.freeze([]);

/** An instance nobody announced. What it does not speak its client finds out by itself. */
export function staticInstance(service: string, host: string, port: number): Instance {
  return {
    id: `static-${host}:${port}`,
    service,
    host,
    port,
    version,
    weight: defaultWeight,
    contracts: "",
    express: true,
  };
}

/** The instances that configuration names, which never change. Throws when one cannot be called at all. */
export function createStaticDirectory(endpoints: Endpoints): Directory {
  const known = new Map(
    Object.entries(endpoints).map(([service, urls]) => {
      const instances = urlsOf(urls).map((url) => instanceAt(service, url));
      const distinct = new Map(instances.map((it) => [it.id, it]));
      return [service, [...distinct.values()].sort((a, b) => (a.id < b.id ? -1 : 1))];
    }),
  );
  return {
    instances: (service) => known.get(service) ?? none,
    watch: () => () => {},
    close: () => {},
  };
}

function instanceAt(service: string, url: string): Instance {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol !== "http:" || pathname !== "/" || search !== "" || !isHost(host)) {
    throw fail.precondition(
      "bad_configuration",
      `configuration: WEFT_ENDPOINTS: ${service} cannot be called at ${protocol}//${hostname}`,
      { remedy: "services are called at http://host:port, without a path" },
    );
  }
  return staticInstance(service, host, Number(port || "80"));
}
