import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Settings } from "../benchmark.ts";
import { startChild } from "../harness/child.ts";
import type { Contender } from "../harness/contender.ts";
import type { LoadResult } from "../harness/load.ts";
import { paceOf } from "../harness/pace.ts";
import type { Result } from "../harness/rounds.ts";
import { runRounds } from "../harness/rounds.ts";

export type PublishFigures = Omit<LoadResult, "total"> & { readonly cpuMicros: number };
export type PublishResult = Result<PublishFigures>;

export const direct = { name: "publish", lanes: 256 };

/** Publishing with an acknowledgement for each, ours and the client's own, by turns. */
export async function comparePublishing(natsUrl: string, settings: Settings): Promise<PublishResult[]> {
  const { progress, signal } = settings;
  const contenders: Contender<PublishFigures>[] = [];
  try {
    for (const [name, module] of [
      ["weft", "publish-weft.ts"],
      ["raw-publish", "publish-raw.ts"],
    ] as const) {
      contenders.push(await startPublisher(name, module, natsUrl, signal));
    }
    return await runRounds<PublishFigures>({
      contenders,
      cells: [{ ...direct, lanes: 1 }, direct],
      pace: paceOf(settings),
      progress,
    });
  } finally {
    await Promise.all(contenders.map((it) => it.stop()));
  }
}

async function startPublisher(
  name: string,
  module: string,
  address: string,
  signal: AbortSignal,
): Promise<Contender<PublishFigures>> {
  const child = startChild(`publisher of ${name}`, signal);
  await child.ask("connect", {
    module: urlOf(module),
    work: urlOf("publish-cases.ts"),
    address,
    options: {},
  });
  return {
    name,
    check: (it) => child.ask("check", { name: it }),
    async measure(cell, ms) {
      const before = await child.ask("usage", {});
      const { total, ...result } = await child.ask("load", { ...cell, ms });
      const after = await child.ask("usage", {});
      return { ...result, cpuMicros: (after.cpuMicros - before.cpuMicros) / total };
    },
    stop: () => child.stop(),
  };
}

export const urlOf = (file: string): string => pathToFileURL(join(import.meta.dirname, file)).href;
