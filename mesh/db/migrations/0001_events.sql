-- What a service has to tell: written with the change that it tells of, published by the relay.
create table weft_outbox (
  position bigint generated always as identity primary key,
  id uuid not null,
  stream text not null,
  subject text not null,
  -- Names and values by turns, a line each: read far faster than an array.
  headers text not null,
  data bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  published_at timestamptz,
  -- Where the stream has it.
  sequence bigint
);
create index weft_outbox_pending on weft_outbox (position) where published_at is null;

-- How far each stream was when it last acknowledged; less than that means that it lost something.
create table weft_streams (
  stream text primary key,
  created text not null,
  sequence bigint not null
);

-- What each consumer has handled, written with the effect.
create table weft_inbox (
  consumer text not null,
  message_id uuid not null,
  handled_at timestamptz not null default clock_timestamp(),
  primary key (consumer, message_id)
);
-- Rows come in the order of time, so a few blocks tell what is old.
create index weft_inbox_age on weft_inbox using brin (handled_at);

-- Attempts that failed, of what may yet succeed.
create table weft_failures (
  consumer text not null,
  message_id uuid not null,
  attempts integer not null,
  first_failed_at timestamptz not null,
  last_failed_at timestamptz not null,
  primary key (consumer, message_id)
);

-- Who does what only one instance may do at a time.
create table weft_leases (
  name text primary key,
  holder text not null,
  until timestamptz not null
);
-- Grows with each new holder. Apart from the lease, which is renewed while work that holds on to this goes on.
create table weft_fences (
  name text primary key,
  epoch bigint not null
);

-- How far consumers are that keep the order.
create table weft_positions (
  consumer text not null,
  stream text not null,
  sequence bigint not null,
  message_id uuid,
  saved_at timestamptz not null default clock_timestamp(),
  primary key (consumer, stream)
);
