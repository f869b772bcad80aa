/** What a worker is started with. */
export interface WorkerOptions {
  readonly service: string;
  /** The service that `relay` calls in turn; none ends the chain, and hangs. */
  readonly next?: string;
  /** Gets one byte for each handler that begins, which a killed process leaves behind. */
  readonly tally: string;
}

/** How a worker does for as long as nothing else is said. */
export interface Mood {
  /** Longer than usual. */
  readonly delayMs?: number;
  /** Every handler throws. */
  readonly fails?: boolean;
  /** Whether the end of a chain answers at once. */
  readonly relays?: boolean;
}

/** What a worker has done so far. */
export interface Report {
  /** Handlers of `relay`, `pour` and `talk` that have not ended. */
  readonly running: number;
  /** Steps that `relay` made; goes on as long as a handler does. */
  readonly steps: number;
  /** When each of them ended, by the clock of the machine. */
  readonly endedAt: readonly number[];
  /** Messages that streams were given by handlers, and took from callers. */
  readonly poured: number;
  readonly heard: number;
}

export type ToWorker = { readonly mood: Mood } | { readonly question: number };
export type FromWorker = { readonly port: number } | { readonly answer: number; readonly report: Report };
