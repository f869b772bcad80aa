/** Generates `gen/` from the contracts, offline. */
import { buf } from "./buf.ts";

await import("./protos.ts");
try {
  buf(["format", "--write", "proto"]);
  buf(["generate"]);
} catch {
  // What is wrong, and where, buf has said itself.
  process.exitCode = 1;
}
