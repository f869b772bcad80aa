import type { HealthChecks } from "#mesh";
import { fail } from "#mesh";
import type { DiscoveredDirectory } from "#mesh/discovery/directory.ts";
import type { Instance } from "#mesh/discovery/instance.ts";
import { authorityOf } from "#mesh/discovery/instance.ts";

const askMs = 1500;
/** Enough to tell how a service is; with more of them, one of these still shows what is the matter. */
const mostAsked = 5;
const mostBytes = 64 * 1024;

/** Shows in the gateway's own health how the services behind it are; those that come are added. */
export function createServicesHealth(health: HealthChecks, directory: DiscoveredDirectory) {
  const watched = new Set<string>();
  return (services: readonly string[]): void => {
    for (const service of watched) {
      if (services.includes(service)) continue;
      watched.delete(service);
      health.remove(service);
    }
    for (const service of services) {
      if (watched.has(service)) continue;
      watched.add(service);
      health.add({ name: service, critical: false, check: () => statusOf(service, directory) });
    }
  };
}

/** The best of its instances tells: calls go to those that are well. */
async function statusOf(service: string, directory: DiscoveredDirectory): Promise<string> {
  const instances = directory.instances(service).slice(0, mostAsked);
  if (instances.length === 0) throw fail.unavailable("no_instance", `no instance of ${service} is known`);
  const answers = await Promise.allSettled(instances.map(ask));
  const known = answers.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
  if (known.length > 0 && known.length === answers.length && known.every((it) => it === "healthy"))
    return "healthy";
  if (known.some((it) => it === "healthy" || it === "degraded")) return "degraded";
  const failed = answers.find((it) => it.status === "rejected");
  throw failed ? failed.reason : new Error(`says that it is ${known[0] ?? "not well"}`);
}

async function ask({ host, port }: Instance): Promise<string> {
  const answer = await fetch(`http://${authorityOf(host, port)}/health`, {
    signal: AbortSignal.timeout(askMs),
  }).catch((error: unknown) => {
    // `fetch failed` says nothing; its cause does.
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  });
  const text = await answer.text();
  if (text.length > mostBytes) throw new Error("its health is no answer of a service");
  const { status } = JSON.parse(text) as { status?: unknown };
  if (typeof status !== "string") throw new Error("its health is no answer of a service");
  return status;
}
