/** More than this waiting for one consumer, in one queue, or to be published, is worth an alert. */
export const backlogAlert = 1000;
const oldAlertMs = 60_000;

export interface Backlog {
  readonly outbox: { readonly pending: number; readonly oldestMs: number };
  /** By consumer. */
  readonly waiting: ReadonlyMap<string, number>;
}

/** What is wrong, in a sentence; nothing when all is well. */
export function complaintOf({ outbox, waiting }: Backlog): string | undefined {
  const behind = [...waiting].filter(([, count]) => count > backlogAlert);
  if (behind.length > 0) {
    return `events wait: ${behind.map(([name, count]) => `${count} for ${name}`).join(", ")}`;
  }
  if (outbox.pending > backlogAlert || outbox.oldestMs > oldAlertMs) {
    return `${outbox.pending} messages wait to be published, the oldest for ${Math.round(outbox.oldestMs / 1000)} s`;
  }
  return undefined;
}
