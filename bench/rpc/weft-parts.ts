/** What the benchmark can leave out of Weft, to see what it costs. */
import { openSync } from "node:fs";
import type { DescService } from "@bufbuild/protobuf";
import { clone, createFileRegistry } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { pino } from "pino";
import { BenchService } from "../../.weft/bench-gen/bench/v1/bench_pb.js";
import { createLogger } from "../../mesh/log/logger.ts";
import { createMetrics } from "../../mesh/metrics/metrics.ts";
import type { CallMetrics } from "../../mesh/telemetry/call-metrics.ts";
import { createRecentSpans } from "../../mesh/telemetry/recent.ts";
import { createTelemetry } from "../../mesh/telemetry/telemetry.ts";
import type { WeftOptions } from "./weft-options.ts";

/** Log lines are made and written, to where they disturb nobody. */
const destination = pino.destination({ fd: openSync("/dev/null", "w"), sync: false });

export function seen(service: string, contract: DescService, options: WeftOptions) {
  const { accessLog, tracing, metrics } = options;
  const level = accessLog ? "info" : "warn";
  const log = createLogger({ service, level, contracts: [contract], destination });
  const telemetry = createTelemetry({
    service,
    log,
    destination,
    metrics: createMetrics(service),
    traceRatio: tracing,
    accessLog,
    sinks: [createRecentSpans({})],
  });
  return { log, telemetry: metrics ? telemetry : { ...telemetry, calls: uncounted } };
}

const cell = { value: 0 };
const uncounted: CallMetrics = {
  server: () => {},
  client: () => {},
  serverInFlight: () => cell,
  clientInFlight: () => cell,
  retried: () => {},
  hedged: () => {},
  rejected: () => {},
  breakerState: () => {},
  forget: () => {},
  logLinesDropped: () => {},
};

/** The contract, or the same without a rule for any field. */
export function contractFor({ validation }: WeftOptions): typeof BenchService {
  if (validation) return BenchService;
  const files = new Map<string, FileDescriptorProto>();
  const add = (file: DescService["file"]) => {
    for (const it of file.dependencies) add(it);
    files.set(file.proto.name, file.proto);
  };
  add(BenchService.file);
  const own = clone(FileDescriptorProtoSchema, BenchService.file.proto);
  for (const message of own.messageType) for (const field of message.field) delete field.options;
  files.set(own.name, own);
  const registry = createFileRegistry(own, (name) => files.get(name));
  const service = registry.getService(BenchService.typeName);
  if (!service) throw new Error("the contract without rules has no service");
  return service as unknown as typeof BenchService;
}
