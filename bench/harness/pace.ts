import type { Settings } from "../benchmark.ts";

/** How long each contender is measured in each cell. */
export interface Pace {
  /** Once, before the first cell: the code of everyone shall be compiled by then. */
  readonly prepareMs: number;
  /** Before the first round of each cell. */
  readonly warmUpMs: number;
  readonly roundMs: number;
  readonly rounds: number;
}

/** With six peers, nine cells stay below six minutes, and four cells below one. */
const usual: Pace = { prepareMs: 3000, warmUpMs: 400, roundMs: 800, rounds: 5 };
const quickly: Pace = { prepareMs: 1200, warmUpMs: 150, roundMs: 300, rounds: 3 };

export function paceOf({ quick, seconds }: Pick<Settings, "quick" | "seconds">): Pace {
  const pace = quick ? quickly : usual;
  return seconds === undefined ? pace : { ...pace, roundMs: seconds * 1000 };
}
