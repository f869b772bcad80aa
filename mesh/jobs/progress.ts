import { fail } from "../errors.ts";
import { clip } from "./outcome.ts";

/** How far a job is. */
export interface Mark {
  readonly percent: number;
  readonly note: string;
}

export interface Progress {
  /** What its handler says. */
  tell(percent: number, note?: string): void;
  /** The last that was said, if the queue does not know it. */
  untold(): Mark | undefined;
  /** The queue knows this one. */
  told(mark: Mark | undefined): void;
}

/** As the contract bounds it. */
const longestNote = 500;

export function createProgress(changed: () => void): Progress {
  let news: Mark | undefined;
  return {
    tell(percent, note = "") {
      if (Number.isNaN(percent)) {
        throw fail.internal("bad_progress", "the progress of a job is a number from 0 to 100");
      }
      news = { percent: Math.round(Math.min(100, Math.max(0, percent))), note: clip(note, longestNote) };
      changed();
    },
    untold: () => news,
    told(mark) {
      if (news === mark) news = undefined;
    },
  };
}
