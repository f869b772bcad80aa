/** What the process under attack is doing. */
export interface Status {
  /** Handlers started so far, and running now. */
  readonly started: number;
  readonly running: number;
  readonly connections: number;
}

/** The same with what it takes, which is costly to find out. */
export interface Report extends Status {
  /** Heap and buffers after garbage collection, in bytes. */
  readonly memory: number;
  readonly rss: number;
  /** Since the last report. */
  readonly peakRss: number;
  readonly cpuMs: number;
  readonly longestBlockMs: number;
}

export interface Answers {
  status: Status;
  report: Report;
  /** Its log, line by line. */
  logs: string[];
  /** Stops the port, with patience or without. */
  drain: { tookMs: number };
  cut: { tookMs: number };
}

export type Question = keyof Answers;

/** How long calls may go on when the port is stopped. */
export const drainGraceMs = 10_000;
export const cutAfterMs = 1000;

/** By this the calls of an honest client are told from the attacker's. */
export const canaryName = "canary";
