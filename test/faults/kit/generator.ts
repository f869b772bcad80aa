/** Calls a server at a rate of its own, from a process of its own. Started by `generators.ts`. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createNetwork } from "#mesh/client/network.ts";
import { createStaticDirectory } from "#mesh/discovery/static-directory.ts";
import { reasonOf } from "#mesh/errors.ts";
import { silentTelemetry } from "#mesh/testing/telemetry.ts";
import { workerContract } from "./contract.ts";
import type { GeneratorOptions, Round, RoundResult } from "./generator-talk.ts";
import { startLoad } from "./load.ts";

const { service, port, pid, busyMicros, timeoutMs }: GeneratorOptions = JSON.parse(process.argv[2] ?? "{}");

/** A caller that knows nothing yet: what it thought of the server in the round before must not matter. */
const newCaller = () =>
  createNetwork({
    callerId: "generator",
    directory: createStaticDirectory({ [service]: `http://127.0.0.1:${port}` }),
    telemetry: silentTelemetry("generator"),
  });

/** What happens at first, before the limit has found its place, is left out. */
const settleMs = 1500;

/**
 * How long the server was ready to run and had no core. What runs beside a test
 * must not decide how it ends. Known on Linux alone.
 */
function robbedMs(): number {
  if (process.platform !== "linux") return 0;
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e6;
}

async function play({ perSecond, ms }: Round): Promise<RoundResult> {
  const network = newCaller();
  const client = network.client(workerContract(service));
  const load = startLoad(perSecond, () => client.work({ number: BigInt(busyMicros) }, { timeoutMs }));
  await sleep(settleMs);
  const [fromMs, robbedBefore] = [performance.now(), robbedMs()];
  await sleep(ms);
  const [untilMs, robbed] = [performance.now(), robbedMs() - robbedBefore];
  await load.stop();
  network.close();
  const failures: Record<string, number> = {};
  let good = 0;
  for (const { startedMs, tookMs, error } of load.fates) {
    const endedMs = startedMs + tookMs;
    if (endedMs < fromMs || endedMs >= untilMs) continue;
    if (!error && tookMs <= timeoutMs) good++;
    else {
      const reason = error ? reasonOf(error) : "late";
      failures[reason] = (failures[reason] ?? 0) + 1;
    }
  }
  const availableMs = untilMs - fromMs - robbed;
  return {
    made: load.fates.length,
    goodput: (good * 1000) / availableMs,
    robbed: robbed / (untilMs - fromMs),
    failures,
  };
}

process.on("message", async (round: Round) => process.send?.(await play(round)));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
