import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

export const root = join(import.meta.dirname, "..", "..");

/** The contract, for those who read `.proto` files when they start. */
export const protoFile = join(root, "bench", "proto", "bench", "items", "v1", "items.proto");
export const packageName = "bench.items.v1";

/** As both grpc-js and NestJS hand them to proto-loader. int64 as a number is its fastest form. */
export const protoOptions = {
  includeDirs: [
    join(root, "bench", "proto"),
    join(root, "proto"),
    join(root, ".weft", "proto"),
    join(root, "node_modules", "google-gax", "build", "protos"),
  ],
  longs: Number,
  defaults: true,
  arrays: true,
};

/** The contract as proto-loader reads it. */
export function grpcItems(): ServiceClientConstructor {
  const loaded = loadPackageDefinition(loadSync(protoFile, protoOptions)) as unknown as {
    bench: { items: { v1: { ItemService: ServiceClientConstructor } } };
  };
  return loaded.bench.items.v1.ItemService;
}

/** File URL of a module in `peers/`. */
export const peerModule = (name: string) =>
  pathToFileURL(join(import.meta.dirname, "peers", `${name}.ts`)).href;
