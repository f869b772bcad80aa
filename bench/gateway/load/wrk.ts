import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { requestsText } from "./request-text.ts";
import type { Failures, LoadTool } from "./tool.ts";
import { mustHaveNone } from "./tool.ts";

interface Found extends Failures {
  readonly requests: number;
  readonly micros: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

const script = join(import.meta.dirname, "wrk.lua");

export const hasWrk = (): boolean => spawnSync("wrk", ["-v"], { stdio: "ignore" }).error === undefined;

/** Takes the least of the machine for itself, so it is preferred. What it sends goes into a file in `folder`. */
export function createWrk(folder: string): LoadTool {
  return {
    name: "wrk",
    async run(load, signal) {
      const { url, connections, ms } = load;
      const file = join(folder, "requests");
      await writeFile(file, requestsText(load));
      const seconds = Math.ceil(ms / 1000) + 1;
      const args = ["-t", "1", "-c", `${connections}`, "-d", `${seconds}s`, "--timeout", "5s"];
      const running = promisify(execFile)("wrk", [...args, "-s", script, url, "--", file], {
        signal,
        killSignal: "SIGKILL",
      });
      // It knows whole seconds only; told to stop, it says what it has found until then.
      const over = setTimeout(() => running.child.kill("SIGINT"), ms);
      const { stdout } = await running.finally(() => clearTimeout(over));
      return resultOf(stdout);
    },
  };
}

function resultOf(output: string) {
  const found = JSON.parse(/^found (.*)$/m.exec(output)?.[1] ?? "{}") as Found;
  mustHaveNone(found);
  return {
    total: found.requests,
    perSecond: (found.requests / found.micros) * 1e6,
    p50Ms: found.p50Micros / 1000,
    p99Ms: found.p99Micros / 1000,
  };
}
