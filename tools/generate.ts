/** Generates `gen/` from the contracts, offline. */
import { buf } from "./buf.ts";

await import("./protos.ts");
buf(["format", "--write", "proto"]);
buf(["generate"]);
