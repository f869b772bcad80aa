import type { Query } from "#mesh";

export interface Room {
  readonly type: string;
  readonly places: number;
}

export interface Claimant {
  readonly worker: string;
  readonly service: string;
}

export interface Claimed {
  readonly id: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: Uint8Array;
  readonly priority: number;
  readonly runAt: Date;
  readonly lease: number;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly createdAt: Date;
  readonly idempotencyKey: string | null;
  readonly userId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  /** Some that are due were left, since the answer was full. */
  readonly left: boolean;
}

export interface ClaimOptions {
  readonly rooms: readonly Room[];
  readonly claimant: Claimant;
  readonly now: Date;
  readonly leaseUntil: Date;
  /** Of queues that bound how many of their jobs run, or of those that do not. */
  readonly bounded: boolean;
}

/** An answer must fit into a message; each job may be half a megabyte. */
const mostBytes = 2 * 1024 * 1024;
export const mostClaimed = 1000;

/**
 * Takes what is due, in its order. Others who do so at the same time get other
 * rows: what one of them looks at the next one skips.
 */
export async function claimJobs(query: Query, options: ClaimOptions): Promise<Claimed[]> {
  const { rooms, claimant, now, leaseUntil, bounded } = options;
  return query<Claimed[]>`
    with pair as materialized (
      select r.type, r.places, k.queue,
        case when q.concurrency = 0 then r.places
          else greatest(0, q.concurrency - (
            select count(*)::int from jobs b where b.queue = q.name and b.state = 'running')) end as free
      from unnest(${rooms.map(({ type }) => type)}::text[], ${rooms.map(({ places }) => places)}::int[])
        as r (type, places)
      join kinds k on k.type = r.type
      join queues q on q.name = k.queue and not q.paused and (q.concurrency > 0) = ${bounded}
    ),
    locked as materialized (
      select p.type, p.queue, p.places, p.free, j.id, j.priority, j.run_at, j.bytes
      from pair p cross join lateral (
        select id, priority, run_at, octet_length(payload) as bytes from jobs
        where state = 'ready' and queue = p.queue and type = p.type
        order by priority desc, run_at, id
        limit least(p.places, p.free)
        for no key update skip locked
      ) j
    ),
    ranked as (
      select id, places, free, ${bounded} as bounded,
        row_number() over (partition by type order by priority desc, run_at, id) as in_type,
        row_number() over (partition by queue order by priority desc, run_at, id) as in_queue,
        row_number() over (order by priority desc, run_at, id) as in_all,
        sum(bytes) over (order by priority desc, run_at, id rows unbounded preceding) as bytes_so_far
      from locked
    ),
    fitting as materialized (
      select id, in_all, in_all <= ${mostClaimed} and (in_all = 1 or bytes_so_far <= ${mostBytes}) as fits
      from ranked where in_type <= places and (not bounded or in_queue <= free)
    )
    update jobs j set
      state = 'running', lease = lease + 1, attempts = attempts + 1,
      worker = ${claimant.worker}, worker_service = ${claimant.service},
      started_at = ${now}, lease_until = ${leaseUntil},
      deadline_at = ${now}::timestamptz + timeout_ms * interval '1 millisecond',
      progress = null, progress_note = ''
    from fitting f
    where j.id = f.id and f.fits
    returning j.id, j.type, j.queue, j.payload, j.priority, j.run_at, j.lease, j.attempts, j.max_attempts,
      j.timeout_ms, j.created_at, j.idempotency_key, j.user_id, j.correlation_id, j.traceparent,
      exists (select 1 from fitting l where not l.fits) as "left"`;
}

/** Lets nobody else claim from the bounded queues of these types until the transaction ends, so that counts hold. */
export async function lockBoundedQueues(query: Query, types: readonly string[]): Promise<void> {
  await query`
    select 1 from queues
    where concurrency > 0 and not paused
      and name in (select queue from kinds where type = any(${types as string[]}::text[]))
    order by name for no key update`;
}

export interface Outlook {
  /** Whether a queue of these types bounds how many of its jobs run. */
  readonly bounded: boolean;
  readonly nextDueAt: Date | null;
}

export async function outlookOf(query: Query, types: readonly string[]): Promise<Outlook> {
  const [row] = await query<Outlook[]>`
    with pair as materialized (
      select k.type, k.queue, q.concurrency from kinds k join queues q on q.name = k.queue and not q.paused
      where k.type = any(${types as string[]}::text[])
    )
    select coalesce((select bool_or(concurrency > 0) from pair), false) as bounded,
      (select min(n.run_at) from pair p cross join lateral (
        select run_at from jobs
        where state = 'scheduled' and queue = p.queue and type = p.type order by run_at limit 1) n) as next_due_at`;
  return row ?? { bounded: false, nextDueAt: null };
}
