import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Change, Outcome, Tracked } from "./lifecycle.ts";
import { cancel, holds, isOver, retry, settle, takeBack } from "./lifecycle.ts";

const at = (nowMs: number) => ({ nowMs, random: () => 1 });
const failure: Outcome = { kind: "failed", error: "it broke", stack: "", terminal: false };

const fresh = (values: Partial<Tracked> = {}): Tracked => ({
  state: "ready",
  lease: 0,
  worker: "",
  workerService: "",
  attempts: 0,
  maxAttempts: 3,
  backoffMs: 1000,
  runAt: new Date(0),
  history: "",
  ...values,
});

/** What the claiming statement does. */
const claim = (job: Tracked, worker: string, workerService = "order"): Tracked => ({
  ...job,
  state: "running",
  lease: job.lease + 1,
  attempts: job.attempts + 1,
  worker,
  workerService,
});

describe("the life of a job", () => {
  type Step =
    | { readonly do: "claim"; readonly worker: string }
    | {
        readonly do: "settle";
        readonly worker: string;
        readonly service: string;
        readonly back: number;
        readonly outcome: Outcome;
      }
    | { readonly do: "lose" | "cancel" | "retry" | "wait" };

  const worker = fc.constantFrom("a", "b");
  const service = fc.constantFrom("order", "order", "other");
  const outcome = fc.constantFrom<Outcome>({ kind: "done" }, { kind: "given_back" }, failure, {
    ...failure,
    terminal: true,
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant("claim" as const), worker }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("settle" as const), worker, service, back: fc.nat(3), outcome }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("lose", "cancel", "retry", "wait") }) },
  ) as fc.Arbitrary<Step>;

  test("each lease ends once, whatever is told by whom and when", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, maxAttempts) => {
        let job = fresh({ maxAttempts });
        const ends = new Map<number, string>();
        let given = 0;

        const apply = (change: Change | undefined, end: string) => {
          if (!change) return;
          if (job.state === "running") {
            expect(ends.has(job.lease)).toBe(false);
            ends.set(job.lease, end);
          }
          job = { ...job, ...change };
        };

        for (const it of steps) {
          if (it.do === "claim" && job.state === "ready") {
            job = claim(job, it.worker);
            expect(job.lease).toBe(++given);
            expect(job.attempts).toBeLessThanOrEqual(job.maxAttempts);
          } else if (it.do === "settle") {
            const holder = {
              lease: Math.max(0, job.lease - it.back),
              worker: it.worker,
              service: it.service,
            };
            const held = holds(job, holder);
            const change = settle(job, holder, it.outcome, at(5));
            expect(typeof change === "object").toBe(held);
            if (change === "again") expect(ends.get(holder.lease)).toBe(it.outcome.kind);
            else if (change === "lost") expect(ends.get(holder.lease)).not.toBe(it.outcome.kind);
            else apply(change, it.outcome.kind);
          } else if (it.do === "lose" && job.state === "running")
            apply(takeBack(job, "worker_lost", at(5)), "lost");
          else if (it.do === "cancel") apply(cancel(job, 5), "cancelled");
          else if (it.do === "retry") apply(retry(job, 5), "never");
          else if (it.do === "wait" && job.state === "scheduled") job = { ...job, state: "ready" };
          expect(job.history).toHaveLength(job.state === "running" ? job.lease - 1 : job.lease);
          expect(job.attempts).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test("a settlement that comes again is known for a hundred leases, and its history grows no further", () => {
    let job = fresh();
    for (let lease = 1; lease <= 250; lease++) {
      job = claim(job, "a");
      job = {
        ...job,
        ...(settle(job, { lease, worker: "a", service: "order" }, { kind: "given_back" }, at(0)) as Change),
      };
    }
    expect(job.history).toHaveLength(100);
    expect(settle(job, { lease: 151, worker: "a", service: "order" }, { kind: "given_back" }, at(0))).toBe(
      "again",
    );
    expect(settle(job, { lease: 150, worker: "a", service: "order" }, { kind: "given_back" }, at(0))).toBe(
      "lost",
    );
    expect(settle(job, { lease: 251, worker: "a", service: "order" }, { kind: "given_back" }, at(0))).toBe(
      "lost",
    );
  });
});

describe("a failed attempt", () => {
  test("is followed by another one after the pause", () => {
    const job = claim(fresh(), "a");
    expect(settle(job, { lease: 1, worker: "a", service: "order" }, failure, at(10))).toMatchObject({
      state: "scheduled",
      attempts: 1,
      runAt: new Date(1010),
      finishedAt: null,
      failure: { error: "it broke" },
    });
  });

  test("is the end after the last one, or when another would end the same", () => {
    const last = claim(fresh({ attempts: 2 }), "a");
    const holder = { lease: 1, worker: "a", service: "order" };
    expect(settle(last, holder, failure, at(10))).toMatchObject({ state: "dead", finishedAt: new Date(10) });
    const terminal = { ...failure, terminal: true };
    expect(settle(claim(fresh(), "a"), holder, terminal, at(10))).toMatchObject({ state: "dead" });
    expect(takeBack(last, "timed_out", at(10))).toMatchObject({
      state: "dead",
      failure: { error: expect.stringMatching(/^timed out/) },
    });
  });

  test("needs no time to pass when there is no pause", () => {
    const job = claim(fresh({ backoffMs: 0 }), "a");
    expect(takeBack(job, "worker_lost", at(10))).toMatchObject({ state: "ready", attempts: 1 });
  });
});

test("what is over stays over but for a retry of what is not done", () => {
  for (const state of ["done", "dead", "cancelled"] as const) {
    const job = fresh({ state, attempts: 3, lease: 3, history: "fff" });
    expect(isOver(state)).toBe(true);
    expect(cancel(job, 1)).toBeUndefined();
    const again = retry(job, 7);
    if (state === "done") expect(again).toBeUndefined();
    else expect(again).toMatchObject({ state: "ready", attempts: 0, runAt: new Date(7), finishedAt: null });
  }
  expect(retry(fresh({ state: "cancelled", runAt: new Date(9) }), 7)).toMatchObject({
    state: "scheduled",
    runAt: new Date(9),
  });
  expect(retry(fresh(), 7)).toBeUndefined();
  expect(retry(claim(fresh(), "a"), 7)).toBeUndefined();
});
