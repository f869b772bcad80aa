import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import type { ClaimedJob, WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { runOutsideCalls } from "../call/call.ts";
import type { Database } from "../db/database.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Nats } from "../nats/nats.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import { within } from "../within.ts";
import { createAppetite } from "./appetite.ts";
import type { Attempt } from "./attempt.ts";
import { beginAttempt } from "./attempt.ts";
import { startClaiming } from "./claiming.ts";
import type { Held, Sign } from "./heartbeat.ts";
import { createHeartbeat, keyOf } from "./heartbeat.ts";
import type { Told } from "./outcome.ts";
import { settlementOf } from "./outcome.ts";
import type { Mark } from "./progress.ts";
import { createSettling } from "./settling.ts";
import { readySubject } from "./stream.ts";
import { createWorkerMetrics } from "./worker-metrics.ts";
import type { CompiledWork, WorkerPolicy } from "./worker-policy.ts";
import { workerPolicy } from "./worker-policy.ts";

/** The queue, as workers see it. */
export type WorkQueue = Pick<Client<typeof WorkService>, "claim" | "extend" | "settle">;

export interface WorkerOptions {
  readonly service: string;
  readonly instanceId: string;
  readonly works: readonly CompiledWork[];
  readonly queue: WorkQueue;
  /** Nothing for a service without a database. */
  readonly db: Database | undefined;
  readonly nats: Pick<Nats, "connection" | "subject">;
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Default: as usual. */
  readonly policy?: Partial<WorkerPolicy>;
  /** Default: `Math.random`. */
  readonly random?: () => number;
}

/** Does the jobs of a service, for as long as it runs. */
export interface Worker {
  /**
   * Claims nothing more, lets jobs end for most of this time, and gives back
   * what is not done then. Resolves when that is told, within the time.
   */
  stop(graceMs: number): Promise<void>;
}

/** For a queue that does not say how long jobs are ours. */
const usualLeaseMs = 30_000;
/** Of the time to stop, this much is for telling what was not done. */
const farewellMs = 3000;

export function startWorker(options: WorkerOptions): Worker {
  const { service, instanceId: worker, works, db, nats, tracer, log, random = Math.random } = options;
  const policy = { ...workerPolicy, ...options.policy };
  const metrics = createWorkerMetrics(options.metrics);
  const byType = new Map(works.map((it) => [it.type.name, it]));
  const inHand = new Map<string, Held & { readonly attempt: Attempt }>();
  const now = () => performance.now();
  let isStopping = false;

  // Progress is told and jobs end inside of jobs; what is asked of the queue is no part of them.
  const { claim, extend, settle } = options.queue;
  const queue: WorkQueue = {
    claim: (...given) => runOutsideCalls(() => claim(...given)),
    extend: (...given) => runOutsideCalls(() => extend(...given)),
    settle: (...given) => runOutsideCalls(() => settle(...given)),
  };

  const extendWith = async (signs: readonly Sign[]) => {
    const jobs = signs.map(({ lease, mark }) => ({ held: { ...lease }, ...mark }));
    return (await queue.extend({ worker, jobs })).lost;
  };

  const appetite = createAppetite(new Map(works.map((it) => [it.type.name, it.concurrency])));
  const settling = createSettling({
    settle: async (endings) => {
      const marked = endings.filter(({ mark }) => mark);
      // What became of it matters more than how far it was.
      if (marked.length > 0) await extendWith(marked).catch(() => {});
      const jobs = endings.map(({ lease, outcome }) => settlementOf(lease, outcome));
      return (await queue.settle({ worker, jobs })).lost;
    },
    policy,
    log,
    now,
    random,
  });
  const heartbeat = createHeartbeat({
    held: () => inHand.values(),
    extend: extendWith,
    policy,
    log,
    now,
  });

  const tell = (claimed: ClaimedJob, outcome: Told, leaseUntilMs: number, mark?: Mark) => {
    const { id, attempt } = claimed;
    settling.add({ lease: { id, attempt }, outcome, mark, untilMs: leaseUntilMs + policy.keepMs });
  };

  const take = (claimed: ClaimedJob) => {
    const leaseMs = claimed.lease ? durationMs(claimed.lease) : usualLeaseMs;
    const untilMs = now() + leaseMs;
    const work = byType.get(claimed.type);
    if (!work || isStopping) {
      if (!work) log.error({ job: claimed.id, type: claimed.type }, "a job came that nobody asked for");
      return tell(claimed, { kind: "given_back" }, untilMs);
    }
    const attempt = beginAttempt({
      service,
      claimed,
      work,
      db,
      tracer,
      metrics,
      log,
      policy,
      progressed: heartbeat.progressed,
    });
    const { lease, progress, isLive, lose } = attempt;
    const key = keyOf(lease);
    const held = { attempt, lease, leaseMs, progress, untilMs, isLive, lose };
    inHand.set(key, held);
    appetite.taken(claimed.type);
    heartbeat.began(leaseMs);
    void attempt.outcome.then((outcome) => {
      if (outcome.kind !== "lost") tell(claimed, outcome, held.untilMs, progress.untold());
    });
    void attempt.over.then(() => {
      inHand.delete(key);
      appetite.freed(claimed.type);
      claiming.look();
    });
  };

  const claiming = startClaiming({
    appetite,
    claim: (rooms) => queue.claim({ worker, rooms: [...rooms] }),
    take: (jobs) => jobs.forEach(take),
    policy,
    log,
    now: Date.now,
    random,
  });

  const queues = Map.groupBy(works, ({ type }) => type.queue);
  const nudges = [...queues].map(([name, of]) =>
    nats.connection.subscribe(nats.subject(readySubject(name)), {
      callback: () => {
        appetite.heard(of.map(({ type }) => type.name));
        claiming.look();
      },
    }),
  );

  return {
    async stop(graceMs) {
      const endMs = now() + graceMs;
      const reserveMs = Math.min(farewellMs, graceMs / 2);
      isStopping = true;
      if (!nats.connection.isClosed()) for (const it of nudges) it.unsubscribe();
      const current = () => [...inHand.values()].map(({ attempt }) => attempt);
      const ended = claiming.stop();
      const begun = ended.then(() => Promise.all(current().map(({ over }) => over)));
      await within(begun, endMs - reserveMs - now());
      const left = current();
      if (left.length > 0) log.info({ count: left.length }, "jobs that are not done are given back");
      for (const attempt of left) attempt.giveBack(reserveMs / 3);
      await within(Promise.all(left.map(({ outcome }) => outcome)), reserveMs / 2);
      heartbeat.stop();
      await settling.close(endMs - now());
    },
  };
}
