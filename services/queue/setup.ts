import { createRegistry } from "@bufbuild/protobuf";
import { WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { QueueService } from "#gen/queue/v1/queue_pb.js";
import { ScheduleService } from "#gen/queue/v1/schedules_pb.js";
import type { Contracts, Loop, Running, Setup } from "#mesh";
import { handlers, startLoop } from "#mesh";
import { openDeadLetters } from "#mesh/dead-letters/dead-letters.ts";
import { describeBacklog } from "./backlog.ts";
import { createBury } from "./bury.ts";
import { createClaim } from "./claiming.ts";
import { createClock } from "./clock.ts";
import type { queueFields } from "./config.ts";
import { deadLetters } from "./dead-letters.ts";
import { createEnqueue } from "./enqueue.ts";
import { startFiring } from "./firing.ts";
import { followTypes } from "./follow-types.ts";
import { runIntake } from "./intake.ts";
import { jobs } from "./jobs.ts";
import { knownFiles } from "./known-types.ts";
import { createMessageTypes } from "./message-types.ts";
import { createNudge } from "./nudges.ts";
import { startPromotion } from "./promotion.ts";
import { purge } from "./purge.ts";
import { createQueueMetrics } from "./queue-metrics.ts";
import { queues } from "./queues.ts";
import { createRetry } from "./retrial.ts";
import { schedules } from "./schedules.ts";
import { createSettle } from "./settling.ts";
import { sweep } from "./sweep.ts";
import { createQueueWatch } from "./watch.ts";
import { work } from "./work.ts";

/** What tests replace. */
export interface World {
  /** Default: the clock of the database, which all replicas share. */
  now: () => number;
  random: () => number;
  /** How often each replica looks for what others may have left. Default 1 s. */
  paceMs: number;
}

type Given = Setup<Contracts, typeof queueFields>;

const secondMs = 1000;
const minuteMs = 60 * secondMs;

/** Puts the parts together. */
export const setUp =
  ({ now: given, random = Math.random, paceMs = secondMs }: Partial<World>) =>
  async ({ db, nats, config, log, metrics: all, health, stopping }: Given): Promise<Running> => {
    const clock = createClock(db);
    if (!given) await clock.adjust();
    const now = given ?? clock.now;
    const leaseMs = config.QUEUE_LEASE;
    const metrics = createQueueMetrics(all);
    const nudge = createNudge(nats, log);
    const types = createMessageTypes(log);
    types.learn(createRegistry(...knownFiles));
    const forgetTypes = followTypes(nats, types, log);

    const loops: Array<Pick<Loop, "ended">> = [];
    const every = (everyMs: number, what: string, round: () => Promise<void>) => {
      const failed = (err: unknown) => log.warn({ err }, `${what}; tried again later`);
      loops.push(startLoop({ everyMs, stopping, work: round, failed }));
    };

    const promotion = startPromotion({ db, nudge, paceMs, log, now, stopping });
    const enqueue = createEnqueue({ db, nudge, scheduled: promotion.scheduled, now });
    const firing = startFiring({ db, enqueue, types, paceMs, log, now, stopping });
    loops.push(promotion, firing);

    const events = openDeadLetters(nats);
    const bury = createBury(events, now);
    const intake = runIntake({ nats, enqueue, bury, log, now, stopping });

    const watch = createQueueWatch(db, now);
    health.add({
      name: "backlog",
      critical: false,
      check: async () => {
        const told = describeBacklog(await watch.look());
        if (told) throw new Error(told);
      },
    });
    // Workers could tell nothing while nobody was here: they are given the time to.
    const heardMs = now() + leaseMs;
    every(paceMs, "jobs of silent workers could not be taken back", async () => {
      if (now() >= heardMs) await sweep({ db, enqueue, metrics, log, now, random });
    });
    every(5 * secondMs, "queues could not be measured", async () => metrics.show(await watch.look()));
    const keep = { doneMs: config.QUEUE_KEEP_DONE, deadMs: config.QUEUE_KEEP_DEAD };
    every(minuteMs, "old jobs could not be removed", () => purge(db.sql, keep, now(), stopping));
    if (!given) every(minuteMs, "the database's clock could not be read", () => clock.adjust());

    const claim = createClaim({ db, leaseMs, now });
    const settle = createSettle({ db, enqueue, nudge, metrics, now, random });
    const retry = createRetry({ db, enqueue, now });
    return {
      rpc: [
        handlers(QueueService, {
          ...jobs({ db, enqueue, types, retry, nudge, metrics, now }),
          ...queues({ db, types, nudge, now }),
          ...deadLetters({ db, types, events, retry }),
        }),
        handlers(ScheduleService, schedules({ db, types, changed: firing.changed, now })),
        handlers(WorkService, work({ db, claim, settle, leaseMs, now })),
      ],
      stop: async () => {
        forgetTypes();
        await Promise.all([intake, ...loops.map(({ ended }) => ended)]);
      },
    };
  };
