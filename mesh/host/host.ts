import { setTimeout as sleep } from "node:timers/promises";
import type { DescFile, DescService } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { DestinationStream } from "pino";
import { WorkService } from "#gen/mesh/v1/jobs_pb.js";
import type { Network } from "../client/network.ts";
import { createNetwork, tokenCredentials } from "../client/network.ts";
import type { Environment } from "../config/read.ts";
import { serviceOf } from "../contract/options.ts";
import { compilePolicies, openPolicies } from "../contract/policy.ts";
import { fail } from "../errors.ts";
import { openBus } from "../events/bus.ts";
import { createFaults } from "../faults/faults.ts";
import type { HealthReport } from "../health/checks.ts";
import { createHealthChecks } from "../health/checks.ts";
import { createGrpcHealth } from "../health/grpc.ts";
import { newId } from "../id.ts";
import { createJobs } from "../jobs/enqueue.ts";
import { jobsStreamPlan } from "../jobs/stream.ts";
import type { Worker } from "../jobs/worker.ts";
import { startWorker } from "../jobs/worker.ts";
import type { CompiledWork } from "../jobs/worker-policy.ts";
import { compileWork } from "../jobs/worker-policy.ts";
import { createLogger, standardOutput } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { reflection } from "../reflection/reflection.ts";
import type { AdaptiveLimit } from "../resilience/adaptive-limit.ts";
import { createAdaptiveLimit } from "../resilience/adaptive-limit.ts";
import { adaptiveLimitPolicy } from "../resilience/adaptive-limit-policy.ts";
import type { Authenticator } from "../rpc/authenticate.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { createRpc } from "../rpc/rpc.ts";
import type { Routes } from "../server/node.ts";
import type { Clients, Contracts, ServiceDefinition } from "../service.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { watchCallees } from "./callees.ts";
import { openServiceDirectory } from "./directory.ts";
import type { OpenFront } from "./edge.ts";
import { authenticatorFor, keyOf, lateProof } from "./identity.ts";
import type { MeshConfig } from "./mesh-config.ts";
import { readServiceConfig } from "./mesh-config.ts";
import type { Presence, PresenceOptions } from "./presence.ts";
import { announce } from "./presence.ts";
import type { Serving } from "./serving.ts";
import { startServing } from "./serving.ts";
import { openStores } from "./stores.ts";
import { openTelemetry } from "./telemetry.ts";

export interface HostOptions {
  env: Environment;
  /** Where log lines go. Default: standard output. */
  logs?: DestinationStream;
  /** In memory: no socket is opened, and this network carries the calls. */
  memory?: {
    openNetwork: (telemetry: Telemetry) => Network;
    authenticate: Authenticator;
    attach: (rpc: Rpc) => void;
  };
}

export interface Hosted {
  readonly name: string;
  /** 0 when hosted in memory. */
  readonly port: number;
  health(): Promise<HealthReport>;
  /** Takes no new calls, finishes those in flight, closes the stores. */
  stop(): Promise<void>;
}

/** Runs one service: reads its configuration, opens its stores, sets it up, and answers calls. */
export async function hostService(definition: ServiceDefinition, options: HostOptions): Promise<Hosted> {
  const { name, contracts } = definition;
  const { memory } = options;
  const policies = compilePolicies(name, contracts);
  const usualPort = serviceOf(contracts[0] ?? missing(name))?.port ?? 0;
  const { config, own } = readServiceConfig(name, usualPort, definition.config ?? {}, options.env);

  const instanceId = newId();
  const destination = options.logs ?? standardOutput();
  const log = createLogger({ service: name, level: config.logLevel, contracts, destination });
  const metrics = createMetrics(name, { process: true });
  const health = createHealthChecks();
  const stopping = new AbortController();

  const telemetry = await openTelemetry({ service: name, instanceId, config, log, destination, metrics });
  const key = memory ? undefined : await keyOf(definition, config);
  const stores = await openStores({ definition, config, log, health, metrics });
  const closing: Array<() => Promise<void> | void> = [() => telemetry.close(), () => stores.close()];
  const close = async () => {
    for (const part of closing.reverse()) await part();
  };
  try {
    const { network, discovered } = memory
      ? { network: memory.openNetwork(telemetry), discovered: undefined }
      : await socketNetwork();
    closing.push(() => network.close());
    const { tracer } = telemetry;
    const bus = openBus({
      service: name,
      instanceId,
      publishes: definition.publishes ?? [],
      alsoInto: [jobsStreamPlan],
      db: definition.database && stores.db,
      nats: stores.nats,
      settings: config.events,
      tracer,
      metrics,
      health,
      log,
    });
    closing.push(() => bus.close());
    const running = await setUp(definition, {
      db: stores.db,
      nats: stores.nats,
      calls: clientsOf(definition.calls ?? {}, network),
      events: bus.events,
      live: bus.live,
      jobs: createJobs({ service: name, take: bus.take, tracer, metrics, now: Date.now }),
      config: own,
      log,
      metrics,
      health,
      stopping: stopping.signal,
    });
    const works = compileWork(name, running.jobs ?? []);
    const queue = works.length > 0 ? await workQueue(network) : undefined;
    watchCallees(health, { ...definition.calls, ...(queue && { work: WorkService }) }, network);

    const grpcHealth = createGrpcHealth(contracts);
    const shown = [...contracts, grpcHealth.implementation.contract];
    // Who stands before others tells of theirs too, and so does that itself.
    const tells = config.reflection && !running.front;
    const builtin = [grpcHealth.implementation, ...(tells ? reflection(shown) : [])];
    const authenticate =
      memory?.authenticate ?? (await authenticatorFor(name, network, stores.nats, health, log));
    const rpc = createRpc({
      implementations: [...running.rpc, ...builtin],
      policies: new Map([...policies, ...openPolicies(builtin)]),
      authenticate,
      telemetry,
      meter: running.meter,
      limit: limitFor(contracts, config),
      faults: createFaults(config.faults),
      log,
      stopping: stopping.signal,
    });
    memory?.attach(rpc);
    const serving = await startServing({
      name,
      config,
      rpc: memory ? undefined : rpc,
      front: running.front && openFront(running.front),
      health,
      grpcHealth,
      metrics,
      log,
    });
    bus.consume(running.on ?? []);
    const presence = memory
      ? undefined
      : await announceOrClose(serving, {
          definition,
          instanceId,
          port: serving.port,
          rpc,
          config,
          nats: stores.nats,
          log,
          shows: messagesOf(definition, works),
        });
    const worker: Worker | undefined =
      queue &&
      startWorker({
        service: name,
        instanceId,
        works,
        queue,
        db: definition.database && stores.db,
        nats: stores.nats,
        tracer,
        metrics,
        log,
      });

    function openFront(open: OpenFront) {
      const { development } = config;
      const means = { instanceId, development, rpc, network, directory: discovered, authenticate, telemetry };
      return (routes: Routes) => open({ ...means, routes });
    }

    const stop = async () => {
      log.info("stopping");
      // Both at once: probes and other instances learn of it together.
      await Promise.all([presence?.withdraw(), serving.retire()]);
      const { shutdownGraceMs } = config;
      // Whoever takes too long has its event given to another instance.
      const resting = Promise.race([bus.rest(), sleep(shutdownGraceMs, undefined, { ref: false })]);
      const drained = Promise.all([serving.drain(), resting, worker?.stop(shutdownGraceMs)]);
      stopping.abort(
        fail.unavailable("stopping", `this instance of ${name} is stopping`, { remedy: "call again" }),
      );
      await drained;
      // Those that came without a socket.
      await rpc.intake.settled(shutdownGraceMs);
      try {
        await running.stop?.();
        log.info("stopped");
      } finally {
        await close();
      }
    };
    let stopped: Promise<void> | undefined;
    return {
      name,
      port: serving.port,
      health: () => health.report(),
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  } catch (error) {
    stopping.abort();
    await close();
    throw error;
  }

  async function workQueue(network: Network) {
    if (memory || key) return network.client(WorkService);
    return network.client(WorkService, await lateProof(definition, config, network));
  }

  async function socketNetwork() {
    const { directory, discovered } = await openServiceDirectory(definition, config, stores.nats, log);
    closing.push(() => directory.close());
    const network = createNetwork({
      callerId: instanceId,
      directory,
      telemetry,
      policy: config.client,
      ...(key && { credentials: tokenCredentials(key) }),
    });
    return { network, discovered };
  }
}

/** A port that nobody is told of must not stay open. */
async function announceOrClose(serving: Serving, options: PresenceOptions): Promise<Presence> {
  try {
    return announce(options);
  } catch (error) {
    await serving.retire();
    await serving.drain();
    throw error;
  }
}

/** As many calls at once as the service answers in time, measured anew all the while. */
function limitFor(contracts: readonly DescService[], { maxCalls }: MeshConfig): AdaptiveLimit {
  const methods = contracts.flatMap((contract) => contract.methods).length;
  return createAdaptiveLimit({
    methods,
    now: () => performance.now(),
    policy: { ...adaptiveLimitPolicy, maxLimit: maxCalls },
  });
}

/** Messages that no contract of its has, and that others may have to read. */
function messagesOf({ publishes = [] }: ServiceDefinition, works: readonly CompiledWork[]): DescFile[] {
  return [...publishes, ...works.map(({ schema }) => schema)].map(({ file }) => file);
}

function clientsOf(contracts: Contracts, network: Network): Clients<Contracts> {
  return Object.fromEntries(
    Object.entries(contracts).map(([as, contract]) => [as, network.client(contract)]),
  );
}

/** What a service's own code throws before it serves has no call to be logged with: it must name the service. */
async function setUp(definition: ServiceDefinition, given: Parameters<ServiceDefinition["setup"]>[0]) {
  try {
    return await definition.setup(given);
  } catch (cause) {
    if (cause instanceof ConnectError) throw cause;
    const { message, stack = "" } = cause instanceof Error ? cause : new Error(String(cause));
    const [, place = ""] =
      /\((?:file:\/\/)?([^\s()]+:\d+):\d+\)|at (?:file:\/\/)?(\/\S+:\d+):\d+/.exec(stack) ?? [];
    const where = place ? ` at ${place}` : "";
    throw fail.internal("setup_failed", `${definition.name} cannot be set up: ${message}${where}`, { cause });
  }
}

function missing(name: string): never {
  throw fail.precondition("bad_contract", `${name} has no contract`, {
    remedy: "name its contracts in service.ts",
  });
}
