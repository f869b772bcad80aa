import type { Progress } from "./harness/progress.ts";
import type { Table } from "./harness/table.ts";

/** How a benchmark is to be run. */
export interface Settings {
  readonly quick: boolean;
  readonly features: boolean;
  readonly seconds: number | undefined;
  readonly peers: readonly string[] | undefined;
  readonly progress: Progress;
  /** Aborted by Ctrl-C; a benchmark that is stopped throws the reason. */
  readonly signal: AbortSignal;
}

/** Something that was promised, and what came of it. */
export interface Target {
  readonly name: string;
  readonly wanted: string;
  readonly measured: number;
  readonly met: boolean;
}

/** What a benchmark found, once for people and once for programs. */
export interface Outcome {
  readonly tables: readonly Table[];
  /** Weft ÷ peer at the headline case. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly targets: readonly Target[];
  readonly cases: readonly object[];
}

export interface Benchmark {
  /** One line for the list of benchmarks. */
  readonly summary: string;
  /** Needs the frameworks that Weft is compared with. */
  readonly needsPeers: boolean;
  run(settings: Settings): Promise<Outcome>;
}
