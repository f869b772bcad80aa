create table thresholds (
  id uuid constraint thresholds_pkey primary key,
  owner_id uuid not null,
  -- Whose figures are looked at; the owner of zeros for all.
  figures_of uuid not null,
  name text not null,
  metric text not null,
  subject_type text not null,
  subject_id text not null,
  currency text not null,
  direction text not null constraint thresholds_direction_known check (direction in ('rises', 'falls')),
  value double precision not null,
  window_ms bigint not null,
  reached boolean not null default false,
  reached_at timestamptz(3),
  checked_at timestamptz(3),
  created_at timestamptz(3) not null
);

create index thresholds_by_owner on thresholds (owner_id, id);
create index thresholds_due on thresholds (checked_at nulls first);
