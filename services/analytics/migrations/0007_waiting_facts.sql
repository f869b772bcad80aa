-- Facts of events, before they are counted: whoever counts waits for others who
-- do, and consumers that waited would have all connections.
create table waiting_facts (
  seq bigint generated always as identity constraint waiting_facts_pkey primary key,
  id uuid not null,
  occurred_at timestamptz(3) not null,
  metric text not null,
  user_id uuid,
  owner_id uuid,
  subject_type text not null,
  subject_id text not null,
  currency text not null,
  amount bigint,
  value double precision,
  tags text[] not null,
  properties jsonb not null,
  put_at timestamptz(3) not null
);
