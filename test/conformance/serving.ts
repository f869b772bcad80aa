import type { DescService } from "@bufbuild/protobuf";
import { serverLimits } from "#mesh/bounds/limits.ts";
import type { MethodPolicy, Policies } from "#mesh/contract/policy.ts";
import { openPolicies } from "#mesh/contract/policy.ts";
import type { Handlers } from "#mesh/implementation.ts";
import { handlers as bind } from "#mesh/implementation.ts";
import type { LoggerOptions } from "#mesh/log/logger.ts";
import { createLogger } from "#mesh/log/logger.ts";
import { createMetrics } from "#mesh/metrics/metrics.ts";
import { nobody } from "#mesh/rpc/authenticate.ts";
import { createRpc } from "#mesh/rpc/rpc.ts";
import type { Port } from "#mesh/server/port.ts";
import { openPort } from "#mesh/server/port.ts";
import { createTelemetry } from "#mesh/telemetry/telemetry.ts";

export interface ServingOptions<S extends DescService> {
  contract: S;
  handlers: Handlers<S>;
  /** Largest message that is taken. Default as for every service. */
  messageBytes?: number | undefined;
  /** Default standard error, since standard output belongs to the suite's runner. */
  logTo?: LoggerOptions["destination"];
}

/** Serves a contract as the mesh serves those of its services: same port, same pipeline. */
export async function serve<S extends DescService>(options: ServingOptions<S>): Promise<Port> {
  const { contract, handlers, messageBytes = serverLimits.messageBytes, logTo = process.stderr } = options;
  const log = createLogger({
    service: "conformance",
    level: "warn",
    contracts: [contract],
    destination: logTo,
  });
  const rpc = createRpc({
    implementations: [bind(contract, handlers)],
    policies: withoutTimeouts(contract),
    authenticate: async () => nobody,
    telemetry: createTelemetry({
      service: "conformance",
      log,
      metrics: createMetrics("conformance"),
      destination: logTo,
      accessLog: false,
    }),
    log,
    stopping: new AbortController().signal,
    messageBytes,
  });
  const limits = { ...serverLimits, messageBytes };
  return openPort({ host: "127.0.0.1", port: 0, rpc, routes: new Map(), log, limits });
}

/** Open to all, and with no timeout but the caller's: handlers tell by it whether there was one. */
function withoutTimeouts(contract: DescService): Policies {
  const policies = [...openPolicies([{ contract }])];
  return new Map(
    policies.map(([method, policy]): [typeof method, MethodPolicy] => [
      method,
      { ...policy, timeoutMs: Number.POSITIVE_INFINITY },
    ]),
  );
}
