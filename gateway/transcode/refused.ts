/** What is the matter with an input, in the words of the stable reasons of an answer. */
export type RefusedReason =
  | "bad_json"
  | "bad_value"
  | "unknown_field"
  | "duplicate_field"
  | "conflicting_field";

/** Thrown inside the transcoder alone; whoever knows where the input came from makes a WeftError of it. */
export class Refused extends Error {
  readonly reason: RefusedReason;
  /** Where in the input. */
  readonly at: number;

  constructor(reason: RefusedReason, message: string, at: number) {
    super(message);
    this.reason = reason;
    this.at = at;
  }
}

const longest = 40;

/** How an error quotes what it was given: enough to find it, never all of it. */
export function quoted(source: Buffer, from: number, to: number): string {
  const text = source.toString("utf8", from, Math.min(to, from + longest));
  const shown = to - from > longest ? `${text}…` : text;
  // What has as many digits as a card is not repeated: it would stand in logs.
  return shown.replace(/\d(?:[ -]?\d){11,}/g, "…");
}
