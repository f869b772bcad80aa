import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Happening, State } from "./machine.ts";
import { advance, recipientsOf } from "./machine.ts";
import type { Status } from "./status.ts";
import { isOver } from "./status.ts";

/** Where a broadcast can go from there. What is not listed does not happen. */
const successors: Readonly<Record<Status, readonly Status[]>> = {
  draft: ["scheduled", "cancelled"],
  scheduled: ["gathering", "paused", "cancelled"],
  // To `completed` when there is nobody.
  gathering: ["sending", "completed", "paused", "cancelled"],
  sending: ["completed", "paused", "cancelled"],
  // To `completed` when the last ones were on their way.
  paused: ["scheduled", "gathering", "sending", "completed", "cancelled"],
  completed: [],
  cancelled: [],
};

const draft: State = {
  status: "draft",
  resumesAs: null,
  reason: "",
  finished: false,
  waiting: 0,
  sending: 0,
  sent: 0,
  failed: 0,
  skipped: 0,
};

/** A broadcast to which all this happened, each thing of which must matter. */
const after = (...happenings: Happening[]): State =>
  happenings.reduce((state, it) => {
    const next = advance(state, it);
    if (!next) throw new Error(`${it.kind} changes nothing of a broadcast that is ${state.status}`);
    return next;
  }, draft);

const schedule: Happening = { kind: "schedule" };
const begin: Happening = { kind: "begin" };
const gathered: Happening = { kind: "gathered" };
const pause: Happening = { kind: "pause", reason: "" };
const resume: Happening = { kind: "resume" };
const cancel: Happening = { kind: "cancel", reason: "" };
const found = (recipients: number): Happening => ({ kind: "found", recipients });
const claimed = (recipients: number): Happening => ({ kind: "claimed", recipients });
const answered = (back: number, sent: number, failed = 0, skipped = 0): Happening => ({
  kind: "answered",
  back,
  sent,
  failed,
  skipped,
});

describe("a broadcast", () => {
  test("goes from its draft to its end", () => {
    const sending = after(schedule, begin, found(3), gathered);
    expect(sending).toMatchObject({ status: "sending", waiting: 3 });
    const done = after(schedule, begin, found(3), gathered, claimed(3), answered(0, 1, 1, 1));
    expect(done).toMatchObject({ status: "completed", finished: true, sent: 1, failed: 1, skipped: 1 });
  });

  test("that is for nobody is completed at once", () => {
    expect(after(schedule, begin, gathered)).toMatchObject({ status: "completed", finished: true });
  });

  test("goes on as what it was when it was paused", () => {
    expect(after(schedule, pause)).toMatchObject({ status: "paused", resumesAs: "scheduled" });
    expect(after(schedule, pause, resume).status).toBe("scheduled");
    expect(after(schedule, begin, pause, resume).status).toBe("gathering");
    expect(after(schedule, begin, found(1), gathered, pause, resume).status).toBe("sending");
  });

  test("that is paused while its last ones are on their way is completed by their answers", () => {
    const done = after(schedule, begin, found(1), gathered, claimed(1), pause, answered(0, 1));
    expect(done).toMatchObject({ status: "completed", resumesAs: null });
  });

  test("that is cancelled ends when nobody is on the way, and skips whom it did not go to", () => {
    const cancelled = after(schedule, begin, found(3), gathered, claimed(2), cancel);
    expect(cancelled).toMatchObject({ status: "cancelled", finished: false, waiting: 1, sending: 2 });
    const done = advance(cancelled, answered(1, 1));
    expect(done).toMatchObject({ finished: true, waiting: 0, sending: 0, sent: 1, skipped: 2 });
  });

  test("that is over can only be corrected", () => {
    const done = after(schedule, begin, found(1), gathered, claimed(1), answered(0, 1));
    for (const it of [schedule, begin, gathered, pause, resume, cancel, found(1), claimed(1)]) {
      expect(advance(done, it)).toBeUndefined();
    }
    expect(advance(done, { kind: "corrected", to: "failed" })).toMatchObject({ sent: 0, failed: 1 });
  });

  test("goes only where it can, forgets nobody, and ends for good, whatever happens", () => {
    const few = fc.integer({ min: 0, max: 4 });
    const happening: fc.Arbitrary<Happening> = fc.oneof(
      fc.constantFrom(schedule, begin, gathered, pause, resume),
      fc.constant(cancel),
      few.map(found),
      few.map(claimed),
      fc.tuple(few, few, few, few).map((counts) => answered(...counts)),
      few.map((recipients): Happening => ({ kind: "lost", recipients })),
      few.map((recipients): Happening => ({ kind: "gone", recipients })),
      fc.constantFrom<Happening>({ kind: "corrected", to: "sent" }, { kind: "corrected", to: "failed" }),
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        let state = draft;
        for (const it of happenings) {
          const next = advance(state, it);
          if (!next) continue;
          if (next.status !== state.status) expect(successors[state.status]).toContain(next.status);
          const grown = it.kind === "found" ? it.recipients : 0;
          expect(recipientsOf(next)).toBe(recipientsOf(state) + grown);
          const { waiting, sending, sent, failed, skipped } = next;
          expect(Math.min(waiting, sending, sent, failed, skipped)).toBeGreaterThanOrEqual(0);
          expect(next.status === "paused").toBe(next.resumesAs !== null);
          if (next.finished) expect([waiting + sending, isOver(next.status)]).toEqual([0, true]);
          if (state.finished) expect([next.finished, next.status]).toEqual([true, state.status]);
          if (next.status === "sending") expect(waiting + sending).toBeGreaterThan(0);
          state = next;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
