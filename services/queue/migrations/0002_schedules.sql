create table schedules (
  id uuid constraint schedules_pkey primary key,
  name text not null constraint schedules_name_unique unique,
  cron text not null,
  time_zone text not null,
  type text not null,
  -- As its contract said when it was made or changed last; used while the type is not known.
  queue text not null,
  max_attempts integer not null,
  timeout_ms integer not null,
  backoff_ms integer not null,
  payload bytea not null,
  priority smallint not null,
  paused boolean not null default false,
  next_run_at timestamptz(3),
  last_run_at timestamptz(3),
  created_at timestamptz(3) not null
);

create index schedules_due on schedules (next_run_at) where not paused and next_run_at is not null;
