import { pauseMs } from "#mesh";

/** `scheduled` and `ready` are one to the outside: the job waits. */
export type State = "scheduled" | "ready" | "running" | "done" | "dead" | "cancelled";

/** What decides what may become of a job. */
export interface Tracked {
  readonly state: State;
  /** How often it was claimed, ever: the number of the lease that runs or ran last. */
  readonly lease: number;
  readonly worker: string;
  /** The service that the worker belongs to. */
  readonly workerService: string;
  /** Attempts begun that count. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly backoffMs: number;
  readonly runAt: Date;
  /** How each lease ended, a letter each. */
  readonly history: string;
}

/** What became of an attempt, as its worker tells. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly error: string; readonly stack: string; readonly terminal: boolean }
  | { readonly kind: "given_back" };

/** Why an attempt was ended without its worker. */
export type Loss = "worker_lost" | "timed_out";

/** What changes in a job. */
export interface Change {
  readonly state: State;
  readonly attempts: number;
  readonly runAt: Date;
  readonly history: string;
  readonly finishedAt: Date | null;
  /** Set when an attempt failed. */
  readonly failure?: { readonly error: string; readonly stack: string };
}

const letters = { done: "d", failed: "f", given_back: "g", worker_lost: "l", timed_out: "t", cancelled: "c" };
type End = keyof typeof letters;

/** A settlement that comes again is known by it; nobody repeats one after so many others. */
const longestHistory = 100;
/** However often a job failed. */
const longestPauseMs = 3_600_000;

const lossText: Readonly<Record<Loss, string>> = {
  worker_lost: "worker lost: it said nothing until its lease was over",
  timed_out: "timed out: the attempt took longer than its contract allows",
};

export interface Circumstances {
  readonly nowMs: number;
  readonly random: () => number;
}

/** Which lease of a job, and who says he has it. */
export interface Holder {
  readonly lease: number;
  readonly worker: string;
  readonly service: string;
}

/**
 * What a settlement changes: nothing (`again`) when the same was told before,
 * and nothing (`lost`) when the lease ended in another way.
 */
export function settle(
  job: Tracked,
  holder: Holder,
  outcome: Outcome,
  at: Circumstances,
): Change | "again" | "lost" {
  if (!holds(job, holder)) return endOf(job, holder.lease) === letters[outcome.kind] ? "again" : "lost";
  switch (outcome.kind) {
    case "done":
      return { ...ended(job, "done"), state: "done", finishedAt: new Date(at.nowMs) };
    case "failed":
      return failed(job, "failed", outcome, at);
    case "given_back":
      // Its place in the queue is the one it had.
      return { ...ended(job, "given_back"), state: "ready", attempts: job.attempts - 1 };
  }
}

/** Takes a running job from its worker; the attempt has failed. */
export function takeBack(job: Tracked, loss: Loss, at: Circumstances): Change {
  return failed(job, loss, { error: lossText[loss], stack: "", terminal: false }, at);
}

/** Ends a job that waits or runs. Gives nothing for one that is over. */
export function cancel(job: Tracked, nowMs: number): Change | undefined {
  if (isOver(job.state)) return undefined;
  const base = job.state === "running" ? ended(job, "cancelled") : unchanged(job);
  return { ...base, state: "cancelled", finishedAt: new Date(nowMs) };
}

/**
 * Makes a job wait again with all its attempts: until its time, if that is yet to
 * come, else now. Gives nothing for one that has not failed for good.
 */
export function retry(job: Tracked, nowMs: number): Change | undefined {
  if (job.state !== "dead" && job.state !== "cancelled") return undefined;
  const isLater = job.runAt.getTime() > nowMs;
  const runAt = isLater ? job.runAt : new Date(nowMs);
  return { ...unchanged(job), state: isLater ? "scheduled" : "ready", attempts: 0, runAt };
}

export const isOver = (state: State): boolean =>
  state === "done" || state === "dead" || state === "cancelled";

export const holds = (job: Tracked, { lease, worker, service }: Holder): boolean =>
  job.state === "running" && job.lease === lease && job.worker === worker && job.workerService === service;

/** Its letter for a history. */
export const letterOf = (end: End): string => letters[end];

const withEnd = (history: string, end: End): string => (history + letters[end]).slice(-longestHistory);

function endOf({ state, lease, history }: Tracked, wanted: number): string | undefined {
  const lastEnded = state === "running" ? lease - 1 : lease;
  const at = history.length - 1 - (lastEnded - wanted);
  return wanted > lastEnded ? undefined : history[at];
}

const unchanged = ({ state, attempts, runAt, history }: Tracked): Change => ({
  state,
  attempts,
  runAt,
  history,
  finishedAt: null,
});

const ended = (job: Tracked, end: End): Change => ({
  ...unchanged(job),
  history: withEnd(job.history, end),
});

function failed(
  job: Tracked,
  end: End,
  { error, stack, terminal }: { error: string; stack: string; terminal: boolean },
  { nowMs, random }: Circumstances,
): Change {
  const base = { ...ended(job, end), failure: { error, stack } };
  if (terminal || job.attempts >= job.maxAttempts) {
    return { ...base, state: "dead", finishedAt: new Date(nowMs) };
  }
  const pause = pauseMs(job.attempts, random, { baseMs: job.backoffMs, maxMs: longestPauseMs });
  return { ...base, state: pause > 0 ? "scheduled" : "ready", runAt: new Date(nowMs + pause) };
}
