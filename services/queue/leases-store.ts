import type { Query } from "#mesh";
import type { Claimant } from "./claim-store.ts";
import type { JobRow } from "./jobs-store.ts";
import { jobColumns } from "./jobs-store.ts";
import type { Holder } from "./lifecycle.ts";
import { letterOf } from "./lifecycle.ts";

export interface Lease extends Pick<Holder, "lease"> {
  readonly id: string;
}

export interface Sign extends Lease {
  readonly percent: number | null;
  readonly note: string;
}

/** Prolongs leases; gives those that the worker still has. */
export async function extendLeases(
  query: Query,
  { worker, service }: Claimant,
  signs: readonly Sign[],
  { now, leaseUntil }: { now: Date; leaseUntil: Date },
): Promise<Lease[]> {
  return query<Lease[]>`
    update jobs j set
      lease_until = ${leaseUntil},
      progress = coalesce(s.percent, j.progress),
      progress_note = coalesce(nullif(s.note, ''), j.progress_note)
    from unnest(
      ${signs.map(({ id }) => id)}::uuid[],
      ${signs.map(({ lease }) => lease)}::int[],
      ${signs.map(({ percent }) => percent)}::smallint[],
      ${signs.map(({ note }) => note)}::text[]
    ) as s (id, lease, percent, note)
    where j.id = s.id and j.state = 'running' and j.lease = s.lease
      and j.worker = ${worker} and j.worker_service = ${service} and j.deadline_at > ${now}
    returning j.id, j.lease`;
}

export interface Finished extends Lease {
  readonly queue: string;
  readonly type: string;
  readonly startedAt: Date;
}

/** What most settlements are, by one statement. It is what `settle` of the lifecycle says of `done`. */
export async function finishJobs(
  query: Query,
  { worker, service }: Claimant,
  leases: readonly Lease[],
  now: Date,
): Promise<Finished[]> {
  return query<Finished[]>`
    with finished as (
      update jobs j set
        state = 'done', finished_at = ${now}, lease_until = null, deadline_at = null,
        history = right(j.history || ${letterOf("done")}, 100)
      from unnest(${leases.map(({ id }) => id)}::uuid[], ${leases.map(({ lease }) => lease)}::int[]) as h (id, lease)
      where j.id = h.id and j.state = 'running' and j.lease = h.lease
        and j.worker = ${worker} and j.worker_service = ${service}
      returning j.id, j.lease, j.queue, j.type, j.started_at
    ),
    counted as (
      insert into tallies (queue, shard, done)
      select queue, pg_backend_pid() % 16, count(*) from finished group by queue order by queue
      on conflict (queue, shard) do update set done = tallies.done + excluded.done
    )
    select * from finished`;
}

/** Some whose lease or time is over, locked; what somebody else has locked is being dealt with. */
export async function lockExpired(
  query: Query,
  { now, startedTooLongAgo, limit }: { now: Date; startedTooLongAgo: Date; limit: number },
): Promise<(JobRow & { outOfTime: boolean })[]> {
  return query<(JobRow & { outOfTime: boolean })[]>`
    select ${jobColumns(query)}, deadline_at < ${startedTooLongAgo} as out_of_time from jobs
    where state = 'running' and (lease_until < ${now} or deadline_at < ${startedTooLongAgo})
    limit ${limit} for no key update skip locked`;
}

/** Makes those ready whose time has come; gives their queues. */
export async function promoteDue(query: Query, now: Date, limit: number): Promise<{ queue: string }[]> {
  return query<{ queue: string }[]>`
    with due as materialized (
      select d.id from kinds k cross join lateral (
        select id from jobs
        where state = 'scheduled' and queue = k.queue and type = k.type and run_at <= ${now}
        order by run_at limit ${limit}
        for no key update skip locked) d
    )
    update jobs j set state = 'ready' from due where j.id = due.id returning j.queue`;
}

export async function nextDue(query: Query): Promise<Date | undefined> {
  const [row] = await query<{ nextAt: Date | null }[]>`
    select min(n.run_at) as next_at from kinds k cross join lateral (
      select run_at from jobs
      where state = 'scheduled' and queue = k.queue and type = k.type order by run_at limit 1) n`;
  return row?.nextAt ?? undefined;
}
