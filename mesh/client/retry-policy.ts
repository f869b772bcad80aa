import { Code } from "@connectrpc/connect";
import { reasonOf } from "../errors.ts";
import type { Failure } from "../express/failure.ts";

/** What a failed try means for the call. */
export type Verdict =
  /** The callee answered, if only to say no. */
  | "answer"
  /** Nothing was sent: there is nobody at that place. Trying elsewhere costs the callee nothing. */
  | "absent"
  /** The instance takes no more calls; it did nothing for this one. */
  | "leaving"
  /** The instance has too much to do; it did nothing for this one. */
  | "overloaded"
  /** It failed, and may have done something before. */
  | "broken";

export function judgeFailure({ error, processed, passedOn }: Failure): Verdict {
  // The fault is one hop further on, where it was judged and tried again.
  if (passedOn) return "answer";
  const reason = reasonOf(error);
  if (overload.has(reason)) return "overloaded";
  if (!processed && error.code === Code.Unavailable) return reason === "unreachable" ? "absent" : "leaving";
  return faults.has(error.code) ? "broken" : "answer";
}

/** Whether a call may be made again after such a failure, as far as its effect goes. */
export function mayRepeat(verdict: Verdict, { error, processed }: Failure, repeatable: boolean): boolean {
  if (verdict === "answer") return false;
  // A handler passes on what it is told: then somebody behind it has too much to do, and it did something.
  if (verdict === "overloaded") return repeatable || !processed;
  // A call out of time stays so, and one that broke its handler would break the next.
  if (verdict === "broken") return repeatable && error.code === Code.Unavailable;
  return true;
}

/** The server's own words for having too much to do, said before it began. */
const overload: ReadonlySet<string> = new Set(["overloaded", "too_many_calls"]);

/** What tells of trouble at the callee rather than of a caller's mistake. */
const faults: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Internal,
  Code.Unknown,
  Code.DataLoss,
]);
