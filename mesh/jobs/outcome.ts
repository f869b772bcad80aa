import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SettlementSchema } from "#gen/mesh/v1/jobs_pb.js";
import { describeFailure, isTerminal } from "../messages/failing.ts";

/** A job as one attempt has it. */
export interface Lease {
  readonly id: string;
  readonly attempt: number;
}

/** What became of an attempt. */
export type Outcome =
  | { readonly kind: "done" }
  | FailedOutcome
  /** Unfinished through no fault of its own: another worker does it, and the attempt does not count. */
  | { readonly kind: "given_back" }
  /** No longer this worker's to tell of. */
  | { readonly kind: "lost" };

export interface FailedOutcome {
  readonly kind: "failed";
  readonly error: string;
  readonly stack: string;
  /** Another attempt would end the same. */
  readonly terminal: boolean;
  readonly timedOut: boolean;
}

/** What the queue is told; the rest it knows. */
export type Told = Exclude<Outcome, { kind: "lost" }>;

export const done: Outcome = { kind: "done" };
export const givenBack: Outcome = { kind: "given_back" };
export const lost: Outcome = { kind: "lost" };

/** As the contract bounds them. */
const longestError = 4000;
const longestStack = 16_000;

export function failedBy(error: unknown): FailedOutcome {
  const { error: text, stack } = describeFailure(error);
  return failed(text, stack, isTerminal(error));
}

export function timedOut(timeoutMs: number, error?: unknown): FailedOutcome {
  const text = `timed out: it took longer than ${timeoutMs} ms`;
  const told = error === undefined ? { error: "", stack: "" } : describeFailure(error);
  const more = told.error ? `; it ended with: ${told.error}` : "";
  return { ...failed(text + more, told.stack, isTerminal(error)), timedOut: true };
}

function failed(error: string, stack: string, terminal: boolean): FailedOutcome {
  return {
    kind: "failed",
    error: clip(error, longestError),
    stack: clip(stack, longestStack),
    terminal,
    timedOut: false,
  };
}

/** Half a character at the end would not be written. */
export const clip = (text: string, longest: number): string => text.slice(0, longest).toWellFormed();

export function settlementOf(
  { id, attempt }: Lease,
  outcome: Told,
): MessageInitShape<typeof SettlementSchema> {
  const held = { id, attempt };
  switch (outcome.kind) {
    case "done":
      return { held, outcome: { case: "done", value: {} } };
    case "given_back":
      return { held, outcome: { case: "givenBack", value: {} } };
    case "failed": {
      const { error, stack, terminal } = outcome;
      return { held, outcome: { case: "failed", value: { error, stack, terminal } } };
    }
  }
}

/** About how much of a message it takes, at most. */
export const bytesOf = (outcome: Told): number =>
  100 + (outcome.kind === "failed" ? 3 * (outcome.error.length + outcome.stack.length) : 0);
