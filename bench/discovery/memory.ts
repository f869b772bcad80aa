import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** The collector, without a flag at the start of the process. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** What is made, and the bytes that it keeps. */
export function weigh<T>(make: () => T): { made: T; bytes: number } {
  const collect = collector();
  collect();
  const before = process.memoryUsage().heapUsed;
  const made = make();
  collect();
  return { made, bytes: process.memoryUsage().heapUsed - before };
}
