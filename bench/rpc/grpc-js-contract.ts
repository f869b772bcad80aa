import type { ServiceClientConstructor } from "@grpc/grpc-js";
import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoFile, protoOptions } from "./proto.ts";

/** The contract as proto-loader reads it. */
export function grpcBench(): ServiceClientConstructor {
  const loaded = loadPackageDefinition(loadSync(protoFile, protoOptions)) as unknown as {
    bench: { v1: { BenchService: ServiceClientConstructor } };
  };
  return loaded.bench.v1.BenchService;
}
