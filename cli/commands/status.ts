import type { Command } from "../command.ts";
import { harmless } from "../harmless.ts";
import { probeHealth } from "../prober.ts";
import { answers } from "../reachable.ts";
import type { PlatformState } from "../state.ts";
import { requireState } from "../state.ts";
import type { Troubles } from "../status/troubles.ts";
import { describeTroubles, findTroubles } from "../status/troubles.ts";
import { paint, print, printJson, table } from "../terminal.ts";

interface ServiceStatus {
  readonly name: string;
  readonly url: string;
  /** The process that it runs in; that of `weft up` itself unless each has its own. */
  readonly pid: number;
  /** `healthy`, `degraded`, `unhealthy` or `no answer`. */
  readonly health: string;
  /** As `grpc.health.v1` says. */
  readonly grpc: string;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly memoryMb: number;
  readonly connections: number;
  /** Dependencies that are not well. */
  readonly troubled: readonly string[];
}

export const status: Command = {
  name: "status",
  summary: "Health of everything that runs in this checkout",
  usage: `[--json]

Behind the table: contracts that the gateway refuses, how much failed for good, and
what waits in vain, when there is any. Exit code 0 when everything is healthy and
the gateway serves all contracts, else 1.`,
  run: async ({ flags, workspace }) => {
    const state = await requireState(workspace);
    const [services, servers, troubles] = await Promise.all([
      Promise.all(Object.entries(state.services).map(([name, { url, pid }]) => ask(name, url, pid))),
      Promise.all(Object.entries(state.own).map(([name, port]) => askServer(name, port))),
      findTroubles(workspace, state),
    ]);
    const { pid } = state.process;
    if (flags.json) printJson({ pid, startedAt: state.startedAt, services, servers, ...troubles });
    else show(state, services, servers, troubles);
    const well = services.every(({ health, grpc }) => health === "healthy" && grpc === "SERVING");
    const isServed = troubles.refused.length === 0;
    return well && isServed && servers.every(({ reachable }) => reachable) ? 0 : 1;
  },
};

interface ServerStatus {
  readonly name: string;
  readonly port: number;
  readonly reachable: boolean;
}

const askServer = async (name: string, port: number): Promise<ServerStatus> => ({
  name,
  port,
  reachable: await answers(name, port),
});

interface HealthAnswer {
  status: string;
  version: string;
  uptime_seconds: number;
  dependencies: Record<string, { status: string; error?: string }>;
  /** Missing where something else than a service answers on its port. */
  metrics?: { active_connections: number; memory_usage_mb: number };
}

async function ask(name: string, url: string, pid: number): Promise<ServiceStatus> {
  const [answer, grpc] = await Promise.all([
    fetch(`${url}/health/detailed`, { signal: AbortSignal.timeout(5000) })
      .then((response) => response.json() as Promise<HealthAnswer>)
      .catch(() => undefined),
    probeHealth(new URL(url).host),
  ]);
  const troubled = Object.entries(answer?.dependencies ?? {}).filter(([, it]) => it.status !== "healthy");
  return {
    name,
    url,
    pid,
    health: answer?.status ?? "no answer",
    grpc,
    version: answer?.version ?? "",
    uptimeSeconds: answer?.uptime_seconds ?? 0,
    memoryMb: answer?.metrics?.memory_usage_mb ?? 0,
    connections: answer?.metrics?.active_connections ?? 0,
    troubled: troubled.map(([dependency, { error }]) => (error ? `${dependency}: ${error}` : dependency)),
  };
}

function show(
  state: PlatformState,
  services: readonly ServiceStatus[],
  servers: readonly ServerStatus[],
  troubles: Troubles,
): void {
  const rows = services.map((it) => [
    it.name,
    paint(colourOf(it.health), it.health),
    it.grpc,
    it.url,
    String(it.pid),
    it.version,
    `${Math.round(it.uptimeSeconds)} s`,
    `${it.memoryMb} MB`,
    it.troubled.join("; "),
  ]);
  for (const { name, port, reachable } of servers) {
    const word = reachable ? paint("green", "ready") : paint("red", "no answer");
    rows.push([name, word, "", `127.0.0.1:${port}`]);
  }
  print(table(["service", "health", "grpc", "url", "pid", "version", "up", "memory", "trouble"], rows));
  const lines = describeTroubles(troubles);
  if (lines.length > 0) print();
  for (const line of lines) print(`  ${paint("yellow", "!")} ${harmless(line)}`);
  print(paint("dim", `\n  supervised by pid ${state.process.pid} since ${state.startedAt}`));
}

const colourOf = (health: string) =>
  health === "healthy" ? "green" : health === "degraded" ? "yellow" : "red";
