-- How much a user tracked in the minute.
create table tracked_minutes (
  user_id uuid constraint tracked_minutes_pkey primary key,
  minute timestamptz(3) not null,
  count integer not null
);

-- What a user named on a day: each name makes sums of its own.
create table tracked_keys (
  user_id uuid not null,
  day timestamptz(3) not null,
  kind text not null constraint tracked_keys_kind_known check (kind in ('name', 'subject', 'tag')),
  key text not null,
  constraint tracked_keys_pkey primary key (user_id, day, kind, key)
);

create index tracked_keys_by_day on tracked_keys (day);
