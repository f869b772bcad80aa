/** A server to attack, in a process of its own, so that its memory is its own. Started by `open-victim.ts`. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { TeamService } from "#gen/user/v1/team_pb.js";
import type { ServerLimits } from "#mesh/bounds/limits.ts";
import { serverLimits } from "#mesh/bounds/limits.ts";
import { compilePolicies, openPolicies } from "#mesh/contract/policy.ts";
import { fail } from "#mesh/errors.ts";
import { createHealthChecks } from "#mesh/health/checks.ts";
import { createGrpcHealth } from "#mesh/health/grpc.ts";
import { healthRoutes } from "#mesh/health/routes.ts";
import { handlers } from "#mesh/implementation.ts";
import { createLogger } from "#mesh/log/logger.ts";
import { createMetrics } from "#mesh/metrics/metrics.ts";
import { reflection } from "#mesh/reflection/reflection.ts";
import type { Authenticator } from "#mesh/rpc/authenticate.ts";
import { bearerOf, nobody } from "#mesh/rpc/authenticate.ts";
import { createRpc } from "#mesh/rpc/rpc.ts";
import { openPort } from "#mesh/server/port.ts";
import { createTelemetry } from "#mesh/telemetry/telemetry.ts";
import type { Answers, Question } from "./victim-talk.ts";
import { canaryName, cutAfterMs, drainGraceMs } from "./victim-talk.ts";

const limits: ServerLimits = { ...serverLimits, ...JSON.parse(process.argv[2] ?? "{}") };

let started = 0;
let running = 0;
const counted = async <T>(work: () => Promise<T> | T): Promise<T> => {
  started++;
  running++;
  try {
    return await work();
  } finally {
    running--;
  }
};

const lines: string[] = [];
const destination = {
  write: (line: string) => {
    if (lines.push(line) > 5000) lines.splice(0, 2500);
  },
};
const log = createLogger({
  service: "user",
  level: "info",
  contracts: [TeamService],
  destination,
});
const authenticate: Authenticator = async (metadata) => {
  const bearer = bearerOf(metadata.header("authorization"));
  if (bearer === "") return nobody;
  if (bearer !== "test") throw fail.unauthenticated("bad_token", "this token is not good");
  const user = { id: "attacker", email: "", sessionId: "", roles: [], permissions: [] };
  return { caller: { user }, userToken: bearer };
};

const teams = handlers(TeamService, {
  // Calls of the canary are not the attacker's.
  createTeam: ({ name }) => (name === canaryName ? { team: { name } } : counted(() => ({ team: { name } }))),
  // About 2 KB for each asked for: 500 make 1 MB.
  listTeams: ({ pageSize }) =>
    counted(() => ({ teams: Array.from({ length: pageSize }, () => ({ name: "x".repeat(2048) })) })),
  // Works until the caller has had enough of it.
  getTeam: (_request, call) =>
    counted(async () => {
      await sleep(60_000, undefined, { signal: call.signal });
      return {};
    }),
  // Works for a moment.
  deleteTeam: () =>
    counted(async () => {
      await sleep(500);
      return {};
    }),
  addTeamMember: () => ({}),
  removeTeamMember: () => ({}),
  getMembership: () => ({}),
});
const health = createGrpcHealth([TeamService]);
health.set(true);
const builtin = [health.implementation, ...reflection([TeamService])];
const metrics = createMetrics("user");
const stopping = new AbortController();

const port = await openPort({
  host: "127.0.0.1",
  port: 0,
  rpc: createRpc({
    implementations: [teams, ...builtin],
    policies: new Map([...compilePolicies("user", [TeamService]), ...openPolicies(builtin)]),
    authenticate,
    telemetry: createTelemetry({ service: "user", log, metrics, destination }),
    log,
    stopping: stopping.signal,
  }),
  routes: healthRoutes({
    service: "user",
    version: "0",
    checks: createHealthChecks(),
    metrics,
    accepting: () => true,
    port: () => port.port,
    connections: () => port.connections(),
  }),
  log,
  limits,
});

let peakRss = 0;
setInterval(() => {
  peakRss = Math.max(peakRss, process.memoryUsage.rss());
}, 20);
const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();

async function drain(graceMs: number): Promise<{ tookMs: number }> {
  const from = performance.now();
  const drained = port.drain(graceMs);
  stopping.abort();
  await drained;
  return { tookMs: performance.now() - from };
}

const answers: { [K in Question]: () => Promise<Answers[K]> } = {
  async status() {
    return { started, running, connections: port.connections() };
  },
  async report() {
    for (let i = 0; i < 3; i++) {
      globalThis.gc?.();
      await turn();
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    const cpuMs = (process.cpuUsage().user + process.cpuUsage().system) / 1000;
    const report = {
      started,
      running,
      connections: port.connections(),
      memory: heapUsed + external,
      rss,
      peakRss: Math.max(peakRss, rss),
      cpuMs,
      longestBlockMs: loop.max / 1e6,
    };
    peakRss = 0;
    loop.reset();
    return report;
  },
  async logs() {
    return lines;
  },
  drain: () => drain(drainGraceMs),
  cut: () => drain(cutAfterMs),
};

process.on("message", async ({ id, question }: { id: number; question: Question }) => {
  process.send?.({ id, answer: await answers[question]() });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: port.port });
