import type { Cell, Contender, Figures } from "./contender.ts";
import type { Pace } from "./pace.ts";
import type { Progress } from "./progress.ts";
import { medianOf, spreadOf } from "./statistics.ts";

/** Whose result it is, and how far to believe it. */
export interface Measured {
  readonly case: string;
  readonly inFlight: number;
  readonly peer: string;
  readonly perSecond: number;
  /** By which share of the median the rounds differ in calls/s, up and down. */
  readonly spread: number;
}

/** The median figures of one contender in one cell. */
export type Result<F = Figures> = F & Measured;

/** Numbers by name, how many a second among them. */
type Numbers<F> = { readonly [K in keyof F]: number } & { readonly perSecond: number };

export interface RoundsOptions<F = Figures> {
  readonly contenders: readonly Contender<F>[];
  readonly cells: readonly Cell[];
  readonly pace: Pace;
  readonly progress: Progress;
}

/**
 * Measures all in turn, A B C A B C: what disturbs the machine for a while
 * disturbs a round of each, and not all rounds of one.
 */
export async function runRounds<F extends Numbers<F>>(options: RoundsOptions<F>): Promise<Result<F>[]> {
  const { contenders, cells, pace, progress } = options;
  await prepare(options);
  const results: Result<F>[] = [];
  for (const [index, cell] of cells.entries()) {
    progress.stage(`${cell.name}, ${cell.lanes} in flight (${index + 1} of ${cells.length})`);
    for (const contender of contenders) {
      progress.step(`warming up ${contender.name}`);
      if (pace.warmUpMs > 0) await contender.measure(cell, pace.warmUpMs);
    }
    const figures = new Map<string, F[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 1; round <= pace.rounds; round++) {
      for (const contender of contenders) {
        progress.step(`round ${round} of ${pace.rounds}, ${contender.name}`);
        figures.get(contender.name)?.push(await contender.measure(cell, pace.roundMs));
      }
    }
    for (const [peer, rounds] of figures) {
      const spread = spreadOf(rounds.map((it) => it.perSecond));
      results.push({ case: cell.name, inFlight: cell.lanes, peer, ...medianOf(rounds), spread });
    }
  }
  return results;
}

/** Lets everyone show that it does the work, and gives its code the time to be compiled. */
async function prepare<F>({ contenders, cells, pace, progress }: RoundsOptions<F>): Promise<void> {
  progress.stage("checking the answers and warming up");
  const names = [...new Set(cells.map((it) => it.name))];
  for (const contender of contenders) {
    progress.step(contender.name);
    for (const name of names) {
      await contender.check(name);
      await contender.measure({ name, lanes: 16 }, pace.prepareMs / names.length);
    }
  }
}
