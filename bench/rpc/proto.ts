import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "..", "..");

/** The contract, for those who read `.proto` files when they start. */
export const protoFile = join(root, "bench", "proto", "bench", "v1", "bench.proto");

/** As both grpc-js and NestJS hand them to proto-loader. int64 as a number is its fastest form. */
export const protoOptions = {
  includeDirs: [join(root, "bench", "proto"), join(root, "proto"), join(root, ".weft", "proto")],
  longs: Number,
  defaults: true,
  arrays: true,
};

export const fileUrl = (name: string) => pathToFileURL(join(import.meta.dirname, name)).href;
