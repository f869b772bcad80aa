import type { Query } from "#mesh";

export interface QueueState {
  readonly name: string;
  readonly paused: boolean;
  readonly concurrency: number;
  readonly depth: number;
  readonly scheduled: number;
  readonly inFlight: number;
  /** Failed for good and not dealt with. */
  readonly dead: number;
  readonly done: number;
  readonly failed: number;
  /** How long the oldest that is due has waited. */
  readonly oldestMs: number;
}

/** Counting stops here, so that a look at a queue costs the same however much is in it. */
const countedTo = 100_000;

type StateRow = Omit<QueueState, "oldestMs"> & { readonly oldest: Date | null };

/** All queues, each counted by the small index of the state: what is done is never counted, but tallied. */
export async function readQueues(query: Query, now: Date): Promise<QueueState[]> {
  const rows = await query<StateRow[]>`
    select q.name, q.paused, q.concurrency, ready.depth, ready.oldest, later.scheduled, running.in_flight, dead.dead,
      coalesce(t.done, 0)::float8 as done, coalesce(t.failed, 0)::float8 as failed
    from queues q
    cross join lateral (
      select count(*)::int as depth, min(run_at) as oldest from (
        select run_at from jobs where queue = q.name and state = 'ready' order by run_at limit ${countedTo}) r
    ) ready
    cross join lateral (
      select count(*)::int as scheduled from (
        select 1 from jobs where queue = q.name and state = 'scheduled' limit ${countedTo}) s
    ) later
    cross join lateral (
      select count(*)::int as in_flight from jobs where queue = q.name and state = 'running'
    ) running
    cross join lateral (
      select count(*)::int as dead from (
        select 1 from jobs where queue = q.name and state = 'dead' limit ${countedTo}) d
    ) dead
    left join lateral (
      select sum(done) as done, sum(failed) as failed from tallies where queue = q.name
    ) t on true
    order by q.name`;
  return rows.map(({ oldest, ...row }) => ({
    ...row,
    oldestMs: oldest ? Math.max(0, now.getTime() - oldest.getTime()) : 0,
  }));
}

export interface QueueSettings {
  readonly name: string;
  readonly paused: boolean | undefined;
  readonly concurrency: number | undefined;
}

/** Changes what is set, and leaves the rest. */
export async function saveQueue(query: Query, { name, paused, concurrency }: QueueSettings): Promise<void> {
  await query`
    insert into queues (name, paused, concurrency) values (${name}, ${paused ?? false}, ${concurrency ?? 0})
    on conflict (name) do update set
      paused = coalesce(${paused ?? null}, queues.paused),
      concurrency = coalesce(${concurrency ?? null}, queues.concurrency)`;
}

export async function hasQueue(query: Query, name: string): Promise<boolean> {
  return (await query`select 1 from queues where name = ${name}`).length > 0;
}

/** Queues among these that bound how many of their jobs run: a place that becomes free is news there. */
export async function boundedAmong(query: Query, names: readonly string[]): Promise<string[]> {
  const rows = await query<{ name: string }[]>`
    select name from queues where concurrency > 0 and name = any(${names as string[]}::text[])`;
  return rows.map(({ name }) => name);
}
