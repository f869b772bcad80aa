/** What the gateway holds to for answers and requests that come piece by piece. */
export const streamPolicy = {
  /**
   * How long the head of an answer waits for the first message: errors that are
   * known by then get a real status, and nobody notices so short a wait.
   */
  earlyMs: 300,
  /** Proxies cut what is silent, most of them after 60 s and the strictest after 30 s. */
  heartbeatMs: 15_000,
  /** How long an EventSource waits before it comes back. */
  reconnectMs: 2_000,
  /** Largest piece of a file in one message: far below the largest message, and few calls of the codec. */
  chunkBytes: 64 * 1024,
  /** An upload that brings nothing for this long is over. As long as a reader may lie still. */
  silentMs: 20_000,
  form: {
    fields: 100,
    fieldBytes: 64 * 1024,
    nameChars: 200,
    /** Header lines of one part, and all of them together. */
    headers: 20,
    headerBytes: 8 * 1024,
  },
} as const;

/** What of it answers and requests are given. */
export interface StreamPolicy {
  readonly earlyMs: number;
  readonly heartbeatMs: number;
  readonly silentMs: number;
}
