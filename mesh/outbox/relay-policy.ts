/** How the relay goes about its work. */
export interface RelayPolicy {
  /** Longest time between two looks into the outbox; it is woken for most of what comes. */
  readonly pollMs: number;
  /** Most messages under way at once. */
  readonly batch: number;
  /** Longest pause after another writer was there first. */
  readonly rivalMs: number;
  /** So often in a row is no accident. */
  readonly mostRivalled: number;
  /** How long a stream that refuses is left alone, while others go on. */
  readonly blockMs: number;
  /**
   * How long rows stay after they were acknowledged, to be published again if
   * the broker loses them: longer than it may take to bring them to disk
   * (`sync_interval`, two minutes by default).
   */
  readonly keepMs: number;
  readonly purgeMs: number;
  readonly purgeBatch: number;
  /** How often the state of the outbox is looked at, for metrics and health. */
  readonly lookMs: number;
}

export const relayPolicy: RelayPolicy = {
  pollMs: 250,
  batch: 500,
  rivalMs: 20,
  mostRivalled: 20,
  blockMs: 1000,
  keepMs: 10 * 60_000,
  purgeMs: 15_000,
  purgeBatch: 5000,
  lookMs: 5000,
};
