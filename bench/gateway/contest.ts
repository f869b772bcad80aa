import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Settings } from "../benchmark.ts";
import type { Cell, Contender } from "../harness/contender.ts";
import type { Pace } from "../harness/pace.ts";
import type { Column } from "../harness/results.ts";
import type { Result } from "../harness/rounds.ts";
import { runRounds } from "../harness/rounds.ts";
import type { GatewayFigures, GatewayPeer } from "./edge.ts";
import { contenderOf } from "./edge.ts";
import { autocannon } from "./load/autocannon.ts";
import type { LoadTool } from "./load/tool.ts";
import { createWrk, hasWrk } from "./load/wrk.ts";
import type { World } from "./world.ts";
import { createWorld } from "./world.ts";

export interface ContestOptions {
  readonly peers: readonly GatewayPeer[];
  readonly cells: readonly Cell[];
  readonly pace: Pace;
  readonly settings: Pick<Settings, "progress" | "signal">;
}

export interface Contest {
  readonly results: readonly Result<GatewayFigures>[];
  /** The program that sent the requests. */
  readonly load: string;
  /** Who could not take part, and why. */
  readonly absent: readonly { readonly name: string; readonly why: string }[];
}

export const gatewayColumns: readonly Column<Result<GatewayFigures>>[] = [
  ["CPU µs gateway", "cpuGatewayMicros", 0],
  ["backend", "cpuBackendMicros", 0],
  ["RSS MB gateway", "rssGatewayMb", 0],
  ["backend", "rssBackendMb", 0],
];

/** Starts all, measures them in turn, and ends them. */
export async function contest({ peers, cells, pace, settings }: ContestOptions): Promise<Contest> {
  const { progress, signal } = settings;
  await using world = createWorld(signal);
  const tool = await chooseTool(world);
  const absent: { name: string; why: string }[] = [];
  const contenders: Contender<GatewayFigures>[] = [];
  progress.stage(`starting ${peers.map((it) => it.name).join(", ")}`);
  for (const peer of peers) {
    progress.step(peer.name);
    const why = await tryToStart(peer);
    if (why !== undefined) {
      absent.push({ name: peer.name, why });
      progress.stage(`${peer.name} is left out: ${why}`);
    }
  }
  const results = await runRounds({ contenders, cells, pace, progress });
  return { results, absent, load: tool.name };

  /** Says why it did not. Only of those that need what a machine may lack is that accepted. */
  async function tryToStart(peer: GatewayPeer): Promise<string | undefined> {
    const why = peer.missing?.();
    if (why !== undefined) return why;
    try {
      contenders.push(contenderOf(peer.name, await peer.start(world), tool, signal));
      return undefined;
    } catch (error) {
      if (!peer.missing || signal.aborted) throw error;
      return error instanceof Error ? error.message : String(error);
    }
  }
}

async function chooseTool(world: World): Promise<LoadTool> {
  if (!hasWrk()) return autocannon;
  const folder = await mkdtemp(join(tmpdir(), "weft-bench-"));
  world.defer(() => rm(folder, { recursive: true, force: true }));
  return createWrk(folder);
}
