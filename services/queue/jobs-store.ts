import type { Query } from "#mesh";
import { only } from "#mesh";
import type { Change, State, Tracked } from "./lifecycle.ts";

/** A job that is to be. */
export interface NewJob {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: Uint8Array;
  readonly priority: number;
  readonly runAt: Date;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly backoffMs: number;
  /** Empty for none. */
  readonly idempotencyKey: string;
  readonly source: string;
  readonly userId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly schedule?: { readonly id: string; readonly plannedAt: Date };
}

export interface JobRow extends Tracked {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly workerService: string;
  readonly startedAt: Date | null;
  readonly progress: number | null;
  readonly progressNote: string;
  readonly error: string;
  readonly firstFailedAt: Date | null;
  readonly lastFailedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly idempotencyKey: string | null;
  readonly source: string;
  readonly userId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly scheduleId: string | null;
  readonly createdAt: Date;
}

/** With what may be large. */
export interface WholeJobRow extends JobRow {
  readonly payload: Uint8Array;
  readonly stack: string;
}

export const jobColumns = (query: Query) => query`
  id, type, queue, state, lease, worker, worker_service, attempts, max_attempts, backoff_ms, timeout_ms, run_at,
  history, priority, started_at, progress, progress_note, error, first_failed_at, last_failed_at, finished_at,
  idempotency_key, source, user_id, correlation_id, traceparent, schedule_id, created_at`;

const wholeColumns = (query: Query) => query`${jobColumns(query)}, payload, stack`;

export interface Inserted {
  readonly id: string;
  readonly queue: string;
  readonly state: State;
  readonly runAt: Date;
}

/**
 * Puts many in by one statement. Those that are there already, by id or by key, stay as they are.
 * Times and bytes go as text, since the client takes the type of a list from what is in it.
 */
export async function insertJobs(query: Query, jobs: readonly NewJob[], now: Date): Promise<Inserted[]> {
  const all = <T>(of: (job: NewJob) => T) => jobs.map(of);
  return query<Inserted[]>`
    insert into jobs (id, type, queue, state, payload, priority, run_at, max_attempts, timeout_ms, backoff_ms,
      idempotency_key, source, user_id, correlation_id, traceparent, schedule_id, planned_at, created_at)
    select id, type, queue, case when run_at <= ${now}::timestamptz then 'ready' else 'scheduled' end, decode(payload, 'hex'), priority,
      run_at, max_attempts, timeout_ms, backoff_ms, nullif(idempotency_key, ''), source, user_id, correlation_id,
      traceparent, schedule_id, planned_at, ${now}::timestamptz
    from unnest(
      ${all(({ id }) => id)}::uuid[],
      ${all(({ type }) => type)}::text[],
      ${all(({ queue }) => queue)}::text[],
      ${all(({ payload }) => Buffer.from(payload).toString("hex"))}::text[],
      ${all(({ priority }) => priority)}::smallint[],
      ${all(({ runAt }) => runAt.toISOString())}::timestamptz[],
      ${all(({ maxAttempts }) => maxAttempts)}::int[],
      ${all(({ timeoutMs }) => timeoutMs)}::int[],
      ${all(({ backoffMs }) => backoffMs)}::int[],
      ${all(({ idempotencyKey }) => idempotencyKey)}::text[],
      ${all(({ source }) => source)}::text[],
      ${all(({ userId }) => userId)}::text[],
      ${all(({ correlationId }) => correlationId)}::text[],
      ${all(({ traceparent }) => traceparent)}::text[],
      ${all(({ schedule }) => schedule?.id ?? null)}::uuid[],
      ${all(({ schedule }) => schedule?.plannedAt.toISOString() ?? null)}::timestamptz[]
    ) as job (id, type, queue, payload, priority, run_at, max_attempts, timeout_ms, backoff_ms, idempotency_key,
      source, user_id, correlation_id, traceparent, schedule_id, planned_at)
    on conflict do nothing
    returning id, queue, state, run_at`;
}

export interface Kind {
  readonly type: string;
  readonly queue: string;
}

export async function countKinds(query: Query): Promise<number> {
  return Number(only(await query<{ count: bigint }[]>`select count(*) as count from kinds`).count);
}

/** Makes queues and the types in them known, before the first job of a kind is in. */
export async function saveKinds(query: Query, kinds: readonly Kind[]): Promise<void> {
  // In one order everywhere, so that none of those who do it at once waits in a circle.
  const queues = [...new Set(kinds.map(({ queue }) => queue))].sort();
  await query`
    insert into queues (name) select * from unnest(${queues}::text[]) on conflict do nothing`;
  await query`
    insert into kinds (type, queue)
    select type, queue from unnest(
      ${kinds.map(({ type }) => type)}::text[], ${kinds.map(({ queue }) => queue)}::text[]) as kind (type, queue)
    order by type, queue
    on conflict do nothing`;
}

export async function findJob(query: Query, id: string): Promise<WholeJobRow | undefined> {
  const [row] = await query<WholeJobRow[]>`select ${wholeColumns(query)} from jobs where id = ${id}`;
  return row;
}

/** The job that has this id, or that a new one with this key would be. */
export async function findSameJob(
  query: Query,
  { id, type, idempotencyKey }: NewJob,
): Promise<WholeJobRow | undefined> {
  const [row] = await query<WholeJobRow[]>`
    select ${wholeColumns(query)} from jobs
    where id = ${id} or (type = ${type} and idempotency_key = nullif(${idempotencyKey}::text, '')) limit 1`;
  return row;
}

/** Rows that nobody else changes until the transaction ends. */
export async function lockJobs(query: Query, ids: readonly string[]): Promise<JobRow[]> {
  return query<JobRow[]>`
    select ${jobColumns(query)} from jobs where id = any(${ids as string[]}::uuid[]) order by id for no key update`;
}

export interface Changed {
  readonly id: string;
  readonly queue: string;
  readonly change: Change;
}

/** Writes what the lifecycle decided about rows that are locked. */
export async function saveChanges(query: Query, changed: readonly Changed[], now: Date): Promise<void> {
  const all = <T>(of: (change: Change) => T) => changed.map(({ change }) => of(change));
  await query`
    update jobs j set
      state = c.state, run_at = c.run_at, attempts = c.attempts, history = c.history, finished_at = c.finished_at,
      lease_until = null, deadline_at = null,
      error = coalesce(c.error, j.error), stack = coalesce(c.stack, j.stack),
      first_failed_at = case when c.error is null then j.first_failed_at else coalesce(j.first_failed_at, ${now}) end,
      last_failed_at = case when c.error is null then j.last_failed_at else ${now} end
    from unnest(
      ${changed.map(({ id }) => id)}::uuid[],
      ${all(({ state }) => state)}::text[],
      ${all(({ runAt }) => runAt.toISOString())}::timestamptz[],
      ${all(({ attempts }) => attempts)}::int[],
      ${all(({ history }) => history)}::text[],
      ${all(({ finishedAt }) => finishedAt?.toISOString() ?? null)}::timestamptz[],
      ${all(({ failure }) => failure?.error ?? null)}::text[],
      ${all(({ failure }) => failure?.stack ?? null)}::text[]
    ) as c (id, state, run_at, attempts, history, finished_at, error, stack)
    where j.id = c.id`;
  const dead = changed.filter(({ change }) => change.state === "dead").map(({ queue }) => queue);
  if (dead.length > 0) await countFailed(query, dead);
}

async function countFailed(query: Query, queues: readonly string[]): Promise<void> {
  await query`
    insert into tallies (queue, shard, failed)
    select queue, pg_backend_pid() % 16, count(*) from unnest(${queues as string[]}::text[]) as dead (queue)
    group by queue order by queue
    on conflict (queue, shard) do update set failed = tallies.failed + excluded.failed`;
}

export interface JobFilter {
  readonly queue: string;
  readonly type: string;
  /** Empty for all. */
  readonly states: readonly State[];
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Newest first, as ids sort by time. */
export async function listJobs(query: Query, filter: JobFilter): Promise<JobRow[]> {
  const { queue, type, states, beforeId, limit } = filter;
  return query<JobRow[]>`
    select ${jobColumns(query)} from jobs
    where true
      ${queue ? query`and queue = ${queue}` : query``}
      ${type ? query`and type = ${type} and queue in (select queue from kinds where type = ${type})` : query``}
      ${states.length > 0 ? query`and state in ${query(states as State[])}` : query``}
      ${beforeId === undefined ? query`` : query`and id < ${beforeId}`}
    order by id desc
    limit ${limit}`;
}
