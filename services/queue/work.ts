import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ClaimedJobSchema, Held, Settlement, WorkService } from "#gen/mesh/v1/jobs_pb.js";
import type { Call, Database, Handlers } from "#mesh";
import { cleanText, retrying } from "#mesh";
import type { Claimed } from "./claim-store.ts";
import type { Claim } from "./claiming.ts";
import { extendLeases } from "./leases-store.ts";
import type { Outcome } from "./lifecycle.ts";
import type { Settle } from "./settling.ts";

export interface WorkOptions {
  db: Database;
  claim: Claim;
  settle: Settle;
  leaseMs: number;
  now: () => number;
}

/** Least time until a worker is told to look again. */
const soonestMs = 100;

export function work({ db, claim, settle, leaseMs, now }: WorkOptions): Handlers<typeof WorkService> {
  return {
    async claim({ worker, rooms }, call) {
      const wanted = rooms.map(({ type, places }) => ({ type: cleanText(type), places }));
      const { jobs, nextDueAt, more } = await claim(claimantOf(worker, call), wanted);
      return {
        jobs: jobs.map((job) => toClaimed(job, leaseMs)),
        more,
        ...(nextDueAt && { nextDueAt: timestampFromMs(Math.max(nextDueAt.getTime(), now() + soonestMs)) }),
      };
    },

    async extend({ worker, jobs }, call) {
      if (jobs.length === 0) return {};
      const signs = jobs.flatMap(({ held, percent, note }) =>
        held ? [{ ...leaseOf(held), percent: percent ?? null, note: cleanText(note) }] : [],
      );
      const nowMs = now();
      const times = { now: new Date(nowMs), leaseUntil: new Date(nowMs + leaseMs) };
      const kept = await retrying(() => extendLeases(db.sql, claimantOf(worker, call), signs, times));
      const held = new Set(kept.map(keyOf));
      return { lost: signs.filter((it) => !held.has(keyOf(it))).map(toHeld) };
    },

    async settle({ worker, jobs }, call) {
      if (jobs.length === 0) return {};
      const lost = await settle(
        claimantOf(worker, call),
        jobs.flatMap(({ held, outcome }) =>
          held ? [{ ...leaseOf(held), outcome: outcomeOf(outcome) }] : [],
        ),
      );
      return { lost: lost.map(toHeld) };
    },
  };
}

const claimantOf = (worker: string, { caller }: Call) => ({
  worker: cleanText(worker),
  service: caller.service?.name ?? "",
});

/** Ids come in capitals too, and are compared with those of the database. */
const leaseOf = ({ id, attempt }: Held) => ({ id: id.toLowerCase(), lease: attempt });
const toHeld = ({ id, lease }: { id: string; lease: number }) => ({ id, attempt: lease });
const keyOf = ({ id, lease }: { id: string; lease: number }) => `${id} ${lease}`;

function outcomeOf(outcome: Settlement["outcome"]): Outcome {
  if (outcome.case === "done") return { kind: "done" };
  if (outcome.case === "givenBack") return { kind: "given_back" };
  const { error = "", stack = "", terminal = false } = outcome.value ?? {};
  return { kind: "failed", error: cleanText(error), stack: cleanText(stack), terminal };
}

function toClaimed(job: Claimed, leaseMs: number): MessageInitShape<typeof ClaimedJobSchema> {
  const { id, type, payload, lease, attempts, maxAttempts, timeoutMs, createdAt } = job;
  return {
    id,
    type,
    payload,
    attempt: lease,
    try: attempts,
    maxAttempts,
    timeout: durationFromMs(timeoutMs),
    lease: durationFromMs(leaseMs),
    createdAt: timestampFromDate(createdAt),
    idempotencyKey: job.idempotencyKey ?? "",
    userId: job.userId,
    correlationId: job.correlationId,
    traceparent: job.traceparent,
  };
}
