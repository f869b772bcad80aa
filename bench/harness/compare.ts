import type { Settings } from "../benchmark.ts";
import type { Cell, Peer } from "./contender.ts";
import { withContenders } from "./contender.ts";
import type { Pace } from "./pace.ts";
import type { Result } from "./rounds.ts";
import { runRounds } from "./rounds.ts";

export interface CompareOptions {
  readonly peers: readonly Peer[];
  readonly cells: readonly Cell[];
  readonly pace: Pace;
  /** File URL of a module with `workCases`. */
  readonly work: string;
  readonly settings: Pick<Settings, "progress" | "signal">;
}

/** Starts all, measures them in turn, and ends them. */
export function compare({ peers, cells, pace, work, settings }: CompareOptions): Promise<Result[]> {
  const { progress, signal } = settings;
  progress.stage(`starting ${peers.map((it) => it.name).join(", ")}`);
  return withContenders(peers, work, signal, (contenders) =>
    runRounds({ contenders, cells, pace, progress }),
  );
}
