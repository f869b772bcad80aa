import type { Database, Logger } from "#mesh";
import { newId, startLoop } from "#mesh";
import { nextTime } from "./cron.ts";
import type { Enqueue } from "./enqueue.ts";
import type { Inserted, NewJob } from "./jobs-store.ts";
import { insertJobs } from "./jobs-store.ts";
import type { MessageTypes } from "./message-types.ts";
import type { ScheduleRow } from "./schedules-store.ts";
import { lockDueSchedules, nextScheduled, saveFired, saveSchedule } from "./schedules-store.ts";

const batch = 100;

export interface Firing {
  /** Schedules changed: the next one may be due sooner. */
  changed(): void;
  readonly ended: Promise<void>;
}

export interface FiringOptions {
  db: Database;
  enqueue: Enqueue;
  types: MessageTypes;
  /** A schedule that another replica made, and died, is heard of within this. */
  paceMs: number;
  log: Logger;
  now: () => number;
  stopping: AbortSignal;
}

/** Makes the jobs of schedules when their time comes: each once, whatever the number of replicas. */
export function startFiring(options: FiringOptions): Firing {
  const { db, paceMs, log, now, stopping } = options;
  let timer: NodeJS.Timeout | undefined;
  const loop = startLoop({
    everyMs: paceMs,
    stopping,
    work: async () => {
      while ((await fireDue(options)) === batch && !stopping.aborted);
      const next = await nextScheduled(db.sql);
      clearTimeout(timer);
      const inMs = next ? next.getTime() - now() : paceMs;
      if (inMs < paceMs) timer = setTimeout(() => loop.wake(), Math.max(1, inMs)).unref();
    },
    failed: (err) => log.warn({ err }, "schedules that are due could not be fired; tried again soon"),
  });
  void loop.ended.then(() => clearTimeout(timer));
  return { changed: loop.wake, ended: loop.ended };
}

interface Due {
  readonly row: ScheduleRow;
  readonly job: NewJob;
  readonly nextRunAt: Date | null;
}

/** Fires what is due; gives how many that were. */
async function fireDue({
  db,
  enqueue,
  types,
  log,
  now,
}: Omit<FiringOptions, "paceMs" | "stopping">): Promise<number> {
  const nowMs = now();
  const { fired, inserted, count } = await db.transaction(async (tx) => {
    const locked = await lockDueSchedules(tx, new Date(nowMs), batch);
    const due: Due[] = [];
    for (const row of locked) {
      try {
        // From now on, not from the time it was for: what was missed in an outage comes once.
        due.push({ row, job: jobOf(row, types, nowMs), nextRunAt: nextTime(row, nowMs) ?? null });
      } catch (err) {
        // Its time zone is gone from this system, say: the others go on.
        log.error({ err, schedule: row.id, name: row.name }, "a schedule cannot be fired and is paused");
        await saveSchedule(tx, { ...row, paused: true, nextRunAt: null });
      }
    }
    const jobs = due.map(({ job }) => job);
    // On connections of its own; it waits for nothing that is locked here.
    await enqueue.prepare(jobs);
    const inserted: Inserted[] = jobs.length > 0 ? await insertJobs(tx, jobs, new Date(nowMs)) : [];
    for (const { row, nextRunAt } of due) {
      await saveFired(tx, row.id, { lastRunAt: new Date(nowMs), nextRunAt });
    }
    return { fired: due.map(({ row }) => row), inserted, count: locked.length };
  });
  enqueue.announce(inserted);
  for (const { id, name, type } of fired) log.debug({ schedule: id, name, type }, "a schedule has fired");
  return count;
}

function jobOf(row: ScheduleRow, types: MessageTypes, nowMs: number): NewJob {
  // As its contract is now, when that is known.
  const { queue, maxAttempts, timeoutMs, backoffMs } = types.findJob(row.type) ?? row;
  return {
    id: newId(nowMs),
    type: row.type,
    queue,
    payload: row.payload,
    priority: row.priority,
    runAt: new Date(nowMs),
    maxAttempts,
    timeoutMs,
    backoffMs,
    idempotencyKey: "",
    source: "queue",
    userId: "",
    correlationId: newId(nowMs),
    traceparent: "",
    schedule: { id: row.id, plannedAt: row.nextRunAt ?? new Date(nowMs) },
  };
}
