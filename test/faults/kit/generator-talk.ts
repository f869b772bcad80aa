/** What the generator calls. */
export interface GeneratorOptions {
  readonly service: string;
  readonly port: number;
  /** The server's process. */
  readonly pid: string;
  /** What each call makes the server compute. */
  readonly busyMicros: number;
  readonly timeoutMs: number;
}

/** Calls for so long, however many are answered. */
export interface Round {
  readonly perSecond: number;
  readonly ms: number;
}

export interface RoundResult {
  readonly made: number;
  /** Answered within their deadline, per second in which the server had a core or needed none. */
  readonly goodput: number;
  /** Part of the time in which the server waited for a core that others had. */
  readonly robbed: number;
  /** Ends of the others, by reason. */
  readonly failures: Readonly<Record<string, number>>;
}
