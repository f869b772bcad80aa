import type { MessageInitShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ClaimedJob, ExtendRequest, SettleRequest } from "#gen/mesh/v1/jobs_pb.js";
import {
  ClaimedJobSchema,
  ClaimRequestSchema,
  ClaimResponseSchema,
  ExtendRequestSchema,
  ExtendResponseSchema,
  SettleRequestSchema,
  SettleResponseSchema,
} from "#gen/mesh/v1/jobs_pb.js";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { currentCall } from "../../call/call.ts";
import { fail } from "../../errors.ts";
import { newId } from "../../id.ts";
import type { Nats } from "../../nats/nats.ts";
import { validate } from "../../rpc/validate.ts";
import type { WorkQueue } from "../worker.ts";

export interface ScriptedQueue {
  readonly queue: WorkQueue;
  /** A broker that carries nudges only. */
  readonly nats: Pick<Nats, "connection" | "subject">;
  /** Rooms of each claim, as `type:places`. */
  readonly claims: string[][];
  readonly extensions: ExtendRequest[];
  readonly settles: SettleRequest[];
  /** What became of jobs, by id: `done`, `failed: no`, `givenBack`. */
  readonly outcomes: Map<string, string[]>;
  /** Most calls of a kind that were under way at once. */
  readonly most: { claim: number; extend: number; settle: number };
  /** Ids that are no longer the worker's. */
  readonly taken: Set<string>;
  /** It answers nothing for now. */
  isAway: boolean;
  /** How long an answer takes. */
  delayMs: number;
  nextDueAtMs: number | undefined;
  put(job?: MessageInitShape<typeof ClaimedJobSchema>): ClaimedJob;
  nudge(queue: string): void;
  outcomeOf(job: ClaimedJob): string | undefined;
}

export const emailType = DeliverEmailSchema.typeName;
export const emailQueue = "notification_delivery";
export const leaseMs = 30_000;

/** The queue's side of the contract, in memory and in the hand of the test. */
export function scriptedQueue(): ScriptedQueue {
  const ready: ClaimedJob[] = [];
  const under = { claim: 0, extend: 0, settle: 0 };
  const listeners = new Map<string, Set<() => void>>();

  const answer = async <T>(kind: keyof typeof under, make: () => T): Promise<T> => {
    if (currentCall()) throw new Error("what a worker asks is no part of a job");
    under[kind]++;
    it.most[kind] = Math.max(it.most[kind], under[kind]);
    try {
      await new Promise((resolve) => setTimeout(resolve, it.delayMs));
      if (it.isAway) throw fail.unavailable("no_instance", "no instance of queue is known");
      return make();
    } finally {
      under[kind]--;
    }
  };

  const it: ScriptedQueue = {
    queue: {
      claim: (given) =>
        answer("claim", () => {
          const { rooms } = create(ClaimRequestSchema, given as object);
          validate(ClaimRequestSchema, create(ClaimRequestSchema, given as object));
          it.claims.push(rooms.map(({ type, places }) => `${type}:${places}`));
          const jobs = rooms.flatMap(({ type, places }) => {
            const found = ready.filter((job) => job.type === type).slice(0, places);
            for (const job of found) ready.splice(ready.indexOf(job), 1);
            return found;
          });
          const { nextDueAtMs } = it;
          return create(ClaimResponseSchema, {
            jobs,
            ...(nextDueAtMs !== undefined && { nextDueAt: timestampFromMs(nextDueAtMs) }),
          });
        }),
      extend: (given) =>
        answer("extend", () => {
          const request = create(ExtendRequestSchema, given as object);
          validate(ExtendRequestSchema, request);
          it.extensions.push(request);
          const lost = request.jobs.flatMap(({ held }) => (held && it.taken.has(held.id) ? [held] : []));
          return create(ExtendResponseSchema, { lost });
        }),
      settle: (given) =>
        answer("settle", () => {
          const request = create(SettleRequestSchema, given as object);
          validate(SettleRequestSchema, request);
          it.settles.push(request);
          for (const { held, outcome } of request.jobs) {
            const told = it.outcomes.get(held?.id ?? "") ?? [];
            const more = outcome.case === "failed" ? `: ${outcome.value.error}` : "";
            const end = outcome.case === "failed" && outcome.value.terminal ? " (terminal)" : "";
            told.push(`${outcome.case}${more}${end}`);
            it.outcomes.set(held?.id ?? "", told);
          }
          return create(SettleResponseSchema, {});
        }),
    },
    nats: {
      subject: (subject) => subject,
      connection: {
        isClosed: () => false,
        subscribe: (subject: string, { callback }: { callback: () => void }) => {
          const all = listeners.get(subject) ?? new Set();
          listeners.set(subject, all.add(callback));
          return { unsubscribe: () => void all.delete(callback) };
        },
      } as unknown as Nats["connection"],
    },
    claims: [],
    extensions: [],
    settles: [],
    outcomes: new Map(),
    most: { claim: 0, extend: 0, settle: 0 },
    taken: new Set(),
    isAway: false,
    delayMs: 1,
    nextDueAtMs: undefined,
    put(job = {}) {
      const id = newId();
      const made = create(ClaimedJobSchema, {
        id,
        type: emailType,
        payload: toBinary(DeliverEmailSchema, create(DeliverEmailSchema, { notificationId: id })),
        attempt: 1,
        try: 1,
        maxAttempts: 3,
        timeout: durationFromMs(60_000),
        lease: durationFromMs(leaseMs),
        ...job,
      });
      ready.push(made);
      return made;
    },
    nudge: (queue) => {
      for (const callback of listeners.get(`jobs.ready.${queue}`) ?? []) callback();
    },
    outcomeOf: ({ id }) => it.outcomes.get(id)?.join(", "),
  };
  return it;
}
