/** A step of a change, as its writer noted it. */
export type HistoryLine =
  | { readonly op: string; readonly step: "begun"; readonly aggregate: string; readonly isPoisoned: boolean }
  | { readonly op: string; readonly step: "acknowledged"; readonly version: number; readonly id: string }
  | { readonly op: string; readonly step: "refused" }
  | { readonly op: string; readonly step: "unknown"; readonly why: string };

/** A change that somebody tried to make, and what they know of it. */
export interface Operation {
  readonly op: string;
  readonly aggregate: string;
  readonly isPoisoned: boolean;
  readonly outcome:
    | { readonly kind: "acknowledged"; readonly version: number; readonly eventId: string }
    /** It was taken back on purpose. */
    | { readonly kind: "refused" }
    /** Its writer failed, or was killed, before it knew. */
    | { readonly kind: "unknown" };
}

/** All changes that a writer began. The end of its last line may be missing. */
export function operationsOf(text: string): Operation[] {
  const operations = new Map<string, Operation>();
  for (const line of text.split("\n").slice(0, -1)) {
    const step = JSON.parse(line) as HistoryLine;
    if (step.step === "begun") {
      const { op, aggregate, isPoisoned } = step;
      operations.set(op, { op, aggregate, isPoisoned, outcome: { kind: "unknown" } });
      continue;
    }
    const begun = operations.get(step.op);
    if (!begun) throw new Error(`${step.op} ended and was never begun`);
    if (step.step === "refused") operations.set(step.op, { ...begun, outcome: { kind: "refused" } });
    if (step.step === "acknowledged") {
      const { version, id: eventId } = step;
      operations.set(step.op, { ...begun, outcome: { kind: "acknowledged", version, eventId } });
    }
  }
  return [...operations.values()];
}
