-- Times come from the service's clock in whole milliseconds. What is partitioned
-- has a partition for each month of UTC, made by the service.

-- What happened. A hypertable where TimescaleDB is loaded and may be enabled.
do $$
declare
  hyper boolean := false;
begin
  -- One that is not preloaded would end the connection instead of failing.
  if exists (select 1 from pg_available_extensions where name = 'timescaledb')
    and current_setting('shared_preload_libraries', true) like '%timescaledb%'
  then
    begin
      execute 'create extension if not exists timescaledb';
      hyper := true;
    exception when others then
      raise notice 'facts are plain partitions, as timescaledb cannot be enabled: %', sqlerrm;
    end;
  end if;
  execute '
    create table facts (
      id uuid not null,
      occurred_at timestamptz(3) not null,
      metric text not null,
      -- Who did it.
      user_id uuid,
      -- Who may see it among theirs: the seller or author.
      owner_id uuid,
      subject_type text not null default '''',
      subject_id text not null default '''',
      currency text not null default '''',
      -- In minor units.
      amount bigint,
      value double precision,
      tags text[] not null default ''{}'',
      properties jsonb not null default ''{}'',
      received_at timestamptz(3) not null,
      constraint facts_pkey primary key (id, occurred_at)
    )' || case when hyper then '' else ' partition by range (occurred_at)' end;
  if hyper then
    execute 'select create_hypertable(''facts'', ''occurred_at'', chunk_time_interval => interval ''1 month'')';
  end if;
end
$$;

create index facts_by_time on facts (occurred_at, id);
create index facts_by_owner on facts (owner_id, occurred_at, id) where owner_id is not null;
create index facts_by_metric on facts (metric, occurred_at);
create index facts_by_user on facts (user_id, occurred_at) where user_id is not null;
create index facts_by_subject on facts (subject_type, subject_id, occurred_at) where subject_type <> '';

-- Sums of quarters of an hour, of which all time zones are multiples: of all
-- (the owner of zeros) and of each owner; without a subject, of each subject,
-- and of each tag (the subjects of type `#`).
create table rollups (
  bucket timestamptz(3) not null,
  owner_id uuid not null,
  subject_type text not null,
  subject_id text not null,
  metric text not null,
  currency text not null,
  count bigint not null,
  -- Exact, so that it is the same in whatever order it was added up.
  sum numeric not null,
  constraint rollups_pkey primary key (owner_id, subject_type, subject_id, metric, currency, bucket)
) partition by range (bucket);

create index rollups_by_time on rollups (owner_id, subject_type, bucket);
create index rollups_by_bucket on rollups (bucket);

-- Who did something on a day of UTC, and how many orders they paid.
create table active (
  day timestamptz(3) not null,
  owner_id uuid not null,
  user_id uuid not null,
  buys bigint not null,
  constraint active_pkey primary key (owner_id, day, user_id)
) partition by range (day);

create index active_by_user on active (user_id);
create index active_by_day on active (day);

create table seen (
  owner_id uuid not null,
  user_id uuid not null,
  first_at timestamptz(3) not null,
  constraint seen_pkey primary key (user_id, owner_id)
);

-- Accounts that are gone. What comes late about them is counted for nobody.
create table forgotten (
  user_id uuid constraint forgotten_pkey primary key,
  at timestamptz(3) not null
);
