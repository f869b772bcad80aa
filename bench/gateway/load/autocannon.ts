import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LoadResult } from "../../harness/load.ts";
import type { Failures, LoadTool } from "./tool.ts";
import { mustHaveNone } from "./tool.ts";

/** What `autocannon-run.ts` prints. */
export type Found = LoadResult & Failures;

const program = join(import.meta.dirname, "autocannon-run.ts");

/** Where there is no wrk. In JavaScript itself, it takes a good part of the machine. */
export const autocannon: LoadTool = {
  name: "autocannon",
  async run(load, signal) {
    const running = promisify(execFile)(process.execPath, [program], { signal, killSignal: "SIGKILL" });
    running.child.stdin?.end(JSON.stringify(load));
    const { stdout } = await running;
    const { sockets, timeouts, statuses, ...result } = JSON.parse(stdout) as Found;
    mustHaveNone({ sockets, timeouts, statuses });
    return result;
  },
};
