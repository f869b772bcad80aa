/** Weft's client: the mesh's own, with a token, a breaker, a budget, a trace and a measurement for each call. */
import { openSync } from "node:fs";
import { UnsecuredJWT } from "jose";
import { pino } from "pino";
import { BenchService } from "../../.weft/bench-gen/bench/v1/bench_pb.js";
import { usualClientPolicy } from "../../mesh/client/client-policy.ts";
import { createNetwork, tokenCredentials } from "../../mesh/client/network.ts";
import { createStaticDirectory } from "../../mesh/discovery/static-directory.ts";
import type { ServiceKey } from "../../mesh/identity/service-key.ts";
import { createLogger } from "../../mesh/log/logger.ts";
import { createMetrics } from "../../mesh/metrics/metrics.ts";
import { createRecentSpans } from "../../mesh/telemetry/recent.ts";
import { createTelemetry } from "../../mesh/telemetry/telemetry.ts";
import type { PeerOptions } from "../harness/orders.ts";
import type { BenchClient } from "./client.ts";
import { benchClient } from "./es-client.ts";
import { readOptions } from "./weft-options.ts";
import type { WeftAddress } from "./weft-server.ts";

const caller = "bench-client";

/** The issuer of the benchmark believes who calls; what it issues is signed and verified as ever. */
const key: ServiceKey = { assertion: async () => new UnsecuredJWT({ sub: caller }).encode() };

export async function startClient(address: string, given: PeerOptions): Promise<BenchClient<bigint>> {
  const { tokens, tracing, accessLog } = readOptions(given);
  const { security, instances } = JSON.parse(address) as WeftAddress;
  const destination = pino.destination({ fd: openSync("/dev/null", "w"), sync: false });
  const log = createLogger({
    service: caller,
    level: accessLog ? "info" : "warn",
    contracts: [BenchService],
    destination,
  });
  const network = createNetwork({
    callerId: caller,
    directory: createStaticDirectory({ security, bench: instances.join("|") }),
    telemetry: createTelemetry({
      service: caller,
      log,
      destination,
      metrics: createMetrics(caller),
      traceRatio: tracing,
      accessLog,
      sinks: [createRecentSpans({})],
    }),
    policy: usualClientPolicy,
    ...(tokens && { credentials: tokenCredentials(key) }),
  });
  return benchClient(network.client(BenchService));
}
