/** What was decided for requests with an Idempotency-Key. */
export const idempotencyPolicy = {
  bucket: "weft_idempotency",
  /**
   * All entries together. When it is full, requests with a key are refused: to
   * forget old keys early would let them be executed again.
   */
  bucketBytes: 1024 * 1024 * 1024,
  /** Larger answers are not stored; that the request was done is. */
  answerBytes: 512 * 1024,
  /** What one caller may have of the bucket. Beyond it, requests with a new key are refused to that one alone. */
  share: 0.02,
  /** What an entry takes beside its answer. */
  entryBytes: 512,
  /**
   * An entry of one who works on a request is void this long after the method's
   * deadline: for clocks that differ and event loops that lag.
   */
  marginMs: 10_000,
  /** Longest time that an answer waits to be stored before it is given. */
  patienceMs: 1000,
  /** What could not be stored is tried again this often. */
  againMs: 500,
  /** Memory for what waits to be stored. */
  waitingBytes: 16 * 1024 * 1024,
  /** When a request is in flight, to ask again is of use after this long. */
  retryAfterMs: 1000,
} as const;
