import { createRegistry } from "@bufbuild/protobuf";
import { GatewayService } from "#gen/gateway/v1/gateway_pb.js";
import { fail } from "#mesh";
import type { Edge } from "#mesh/host/edge.ts";
import type { Meter } from "#mesh/rpc/intake.ts";
import type { Front } from "#mesh/server/front.ts";
import { createCaching } from "./cache/caching.ts";
import { createKeeping } from "./cache/create-keeping.ts";
import { openContracts } from "./contracts/live-contracts.ts";
import { docsPages } from "./docs/docs-pages.ts";
import { rootPage } from "./docs/root-page.ts";
import { isIn } from "./edge/client-address.ts";
import { createClientOf } from "./edge/client-of.ts";
import { createCors } from "./edge/cors.ts";
import { createJsonCall } from "./edge/json-call.ts";
import { firstOf } from "./edge/pages.ts";
import { createFront } from "./front.ts";
import type { Given } from "./given.ts";
import { createIdempotency } from "./idempotency/idempotency.ts";
import { showLimits } from "./limits/limit-metrics.ts";
import { createLimiter } from "./limits/limiter.ts";
import { createMeter } from "./limits/meter.ts";
import { openExchange } from "./limits/nats-exchange.ts";
import { bindingsOf } from "./routing/bindings-of.ts";
import { createEntering } from "./rpc/entering.ts";
import { createReflection } from "./rpc/reflection.ts";
import type { Snapshot } from "./served/snapshot.ts";
import { createSnapshots } from "./served/snapshot.ts";
import { operatorPages } from "./status/operator-pages.ts";
import { createServicesHealth } from "./status/services-health.ts";
import type { View } from "./status/status.ts";
import { createStreamCall } from "./streams/stream-call.ts";

export interface Gateway {
  readonly front: Front;
  readonly meter: Meter | undefined;
  readonly view: View;
  close(): Promise<void>;
}

/** Bodies come within this time from the headers on; uploads that are streamed may take longer. */
const bodyMs = 30_000;

/** Puts the gateway together and learns what there is to serve. */
export async function openGateway(given: Given, edge: Edge): Promise<Gateway> {
  const { config, log, nats, metrics, health, stopping } = given;
  const { directory, network, authenticate, telemetry, rpc: own } = edge;
  if (!directory) throw noDiscovery();
  const exchange = config.GATEWAY_RATE_LIMITS ? openExchange({ nats, log }) : undefined;
  const limiter = exchange && createLimiter({ exchange });
  if (limiter) showLimits(metrics, limiter);
  const clientOf = createClientOf(config.GATEWAY_TRUSTED_PROXIES);
  const contracts = await openContracts({ nats, directory, log, own: [GatewayService] });

  const ownContracts = {
    service: "gateway",
    contracts: [GatewayService],
    registry: createRegistry(GatewayService.file),
    bindings: bindingsOf(GatewayService).bindings,
  };
  const meter = limiter && createMeter({ limiter, clientOf });
  const common = { network, authenticate, telemetry, meter, log, stopping };
  const snapshotOf = createSnapshots({
    ...common,
    own,
    ownContracts,
    enter: createEntering(clientOf),
    describe: createReflection({ ...common, ownContracts: [GatewayService] }),
  });
  const caching = createCaching({ maxBytes: config.GATEWAY_CACHE_BYTES, nats, log, metrics });
  const idempotency = createIdempotency({ nats, log, ttlMs: config.GATEWAY_IDEMPOTENCY_TTL });
  const watchHealth = createServicesHealth(health, directory);
  let snapshot: Snapshot = snapshotOf(contracts.current());
  const serve = (next: Snapshot) => {
    snapshot = next;
    watchHealth(next.contracts.served.map(({ service }) => service).filter((it) => it !== "gateway"));
  };
  serve(snapshot);
  const stopWatching = contracts.onChange((changed) => serve(snapshotOf(changed)));

  const pages = firstOf(
    operatorPages({ routes: edge.routes, operators: config.GATEWAY_OPERATORS, authenticate }),
    rootPage("/api/docs"),
    docsPages({ title: "Weft", bindings: () => snapshot.bindings }),
  );
  const body = { bytes: config.GATEWAY_BODY_BYTES, ms: bodyMs };
  const answerJson = createJsonCall({ body, keeping: createKeeping({ caching, idempotency }) });
  const answerStream = createStreamCall({ network, body, uploadBytes: config.GATEWAY_UPLOAD_BYTES });
  const front = createFront({
    snapshot: () => snapshot,
    cors: createCors(config.GATEWAY_CORS_ORIGINS, edge.development),
    clientOf,
    isTrusted: (address) => isIn(config.GATEWAY_TRUSTED_PROXIES, address),
    pages,
    answer: (exchange, match, call, query) =>
      match.value.method.desc.methodKind === "unary"
        ? answerJson(exchange, match, call, query)
        : answerStream(exchange, match, call, query),
    log,
  });
  return {
    front,
    meter,
    view: {
      instanceId: edge.instanceId,
      startedMs: Date.now(),
      directory,
      snapshot: () => snapshot,
      replicas: () => exchange?.replicas().count ?? 1,
      inFlight: () => snapshot.parts.reduce((sum, { rpc }) => sum + rpc.intake.inFlight, 0),
    },
    close: async () => {
      stopWatching();
      contracts.close();
      caching.close();
      idempotency.close();
      limiter?.close();
    },
  };
}

const noDiscovery = () =>
  fail.precondition("discovery_required", "the gateway learns by discovery what it serves", {
    remedy: "set WEFT_DISCOVERY=true",
  });
