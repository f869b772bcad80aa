-- Times come from the service's clock in whole milliseconds.
create table queues (
  name text constraint queues_pkey primary key,
  paused boolean not null default false,
  -- Most of its jobs that run at once, over all workers; 0 for no bound.
  concurrency integer not null default 0 constraint queues_concurrency_positive check (concurrency >= 0)
);

-- Which types come in which queue: few rows, so that workers find jobs by an
-- index that begins with the queue, and a paused one costs them nothing.
create table kinds (
  type text not null,
  queue text not null constraint kinds_queue references queues (name),
  constraint kinds_pkey primary key (type, queue)
);

create table jobs (
  id uuid constraint jobs_pkey primary key,
  type text not null,
  queue text not null,
  -- `scheduled` waits for its time; `ready` is due. To the outside both are WAITING.
  state text not null constraint jobs_state_known
    check (state in ('scheduled', 'ready', 'running', 'done', 'dead', 'cancelled')),
  payload bytea not null,
  priority smallint not null,
  run_at timestamptz(3) not null,
  max_attempts integer not null,
  timeout_ms integer not null,
  backoff_ms integer not null,
  -- Those begun that count: not those given back, and from 0 again after a retry.
  attempts integer not null default 0,
  -- How often it was claimed, ever. With the id it names a lease.
  lease integer not null default 0,
  -- How each lease ended, a letter each, the last ones only: see lifecycle.ts.
  history text not null default '',
  -- Of the lease that runs, or the last one.
  worker text not null default '',
  worker_service text not null default '',
  started_at timestamptz(3),
  -- When others may have it, unless the worker speaks up.
  lease_until timestamptz(3),
  -- When this attempt has taken too long.
  deadline_at timestamptz(3),
  progress smallint,
  progress_note text not null default '',
  error text not null default '',
  stack text not null default '',
  first_failed_at timestamptz(3),
  last_failed_at timestamptz(3),
  finished_at timestamptz(3),
  idempotency_key text,
  source text not null,
  user_id text not null,
  correlation_id text not null,
  traceparent text not null,
  schedule_id uuid,
  -- The time of the schedule that it stands for.
  planned_at timestamptz(3),
  created_at timestamptz(3) not null
) with (
  fillfactor = 85,
  -- Most rows change state three times and go to another index each time.
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.02
);

create unique index jobs_by_idempotency_key on jobs (type, idempotency_key) where idempotency_key is not null;
create unique index jobs_by_planned_time on jobs (schedule_id, planned_at) where schedule_id is not null;
create index jobs_by_queue on jobs (queue, id);

-- One small index for each state that something waits for. No time of a lease is
-- in any, so that extending a lease touches no index.
create index jobs_ready on jobs (queue, type, priority desc, run_at, id) where state = 'ready';
create index jobs_ready_age on jobs (queue, run_at) where state = 'ready';
create index jobs_scheduled on jobs (queue, type, run_at) where state = 'scheduled';
create index jobs_running on jobs (queue) where state = 'running';
create index jobs_dead on jobs (finished_at, id) where state = 'dead';
create index jobs_over on jobs (finished_at) where state in ('done', 'cancelled');

-- How many ended, ever: jobs are removed. Several rows for each queue, for
-- otherwise all that settle at once would wait for one.
create table tallies (
  queue text not null,
  shard smallint not null,
  done bigint not null default 0,
  failed bigint not null default 0,
  constraint tallies_pkey primary key (queue, shard)
) with (fillfactor = 50);
