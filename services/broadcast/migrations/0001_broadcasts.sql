-- Times come from the service's clock in whole milliseconds.
create table broadcasts (
  id uuid constraint broadcasts_pkey primary key,
  owner_id uuid not null,
  -- Whether it reaches all users, and not only those who bought from its owner.
  everybody boolean not null,
  name text not null,
  topic text not null,
  link text not null,
  channels text[] not null,
  -- As the contract has them in JSON; the users of the segment are in `chosen`.
  segment jsonb not null,
  template jsonb,
  words jsonb,
  has_chosen boolean not null,
  per_second integer not null constraint broadcasts_speed check (per_second between 1 and 1000),
  status text not null constraint broadcasts_status_known check (status in (
    'draft', 'scheduled', 'gathering', 'sending', 'paused', 'completed', 'cancelled')),
  -- What it goes on as when it is paused.
  resumes_as text constraint broadcasts_resumes_as_known check (resumes_as in ('scheduled', 'gathering', 'sending')),
  reason text not null default '',
  -- Notifications were refused, and its owner knows: from now on that fails recipients.
  refused_once boolean not null default false,
  -- The last user that was looked at.
  gathered_to uuid,
  waiting integer not null default 0,
  sending integer not null default 0,
  sent integer not null default 0,
  failed integer not null default 0,
  skipped integer not null default 0,
  send_at timestamptz(3),
  -- When it may be taken next: to begin, to gather on, to send the next few.
  next_at timestamptz(3),
  tries integer not null default 0,
  failing_since timestamptz(3),
  idempotency_key text,
  request_hash bytea,
  created_at timestamptz(3) not null,
  started_at timestamptz(3),
  finished_at timestamptz(3),
  constraint broadcasts_paused_from check ((status = 'paused') = (resumes_as is not null)),
  constraint broadcasts_counted check (least(waiting, sending, sent, failed, skipped) >= 0)
);

create unique index broadcasts_by_key on broadcasts (owner_id, idempotency_key) where idempotency_key is not null;
create index broadcasts_by_owner on broadcasts (owner_id, id desc);
create index broadcasts_by_status on broadcasts (status, id desc);
create index broadcasts_due on broadcasts (next_at) where status in ('scheduled', 'gathering', 'sending');

-- The users that a segment names.
create table chosen (
  broadcast_id uuid not null constraint chosen_broadcast references broadcasts (id) on delete cascade,
  user_id uuid not null,
  constraint chosen_pkey primary key (broadcast_id, user_id)
);

-- Whoever writes what is known of those who wait or are on their way has locked
-- the broadcast first.
create table recipients (
  broadcast_id uuid not null constraint recipients_broadcast references broadcasts (id) on delete cascade,
  user_id uuid not null,
  status text not null default 'waiting' constraint recipients_status_known check (status in (
    'waiting', 'sending', 'sent', 'failed', 'skipped')),
  -- Who sends it, and until when nobody else does.
  claim uuid,
  leased_until timestamptz(3),
  tries integer not null default 0,
  notification_id uuid,
  -- On one channel at least.
  arrived boolean not null default false,
  reason text not null default '',
  updated_at timestamptz(3) not null,
  constraint recipients_pkey primary key (broadcast_id, user_id),
  constraint recipients_claimed check ((status = 'sending') = (claim is not null and leased_until is not null))
);

create index recipients_by_status on recipients (broadcast_id, status, user_id);
create unique index recipients_by_notification on recipients (notification_id) where notification_id is not null;
create index recipients_open on recipients (user_id) where status in ('waiting', 'sending');
create index recipients_leased on recipients (leased_until) where leased_until is not null;

-- What was told of notifications before the answer that names them was written.
create table early_news (
  notification_id uuid constraint early_news_pkey primary key,
  arrived boolean not null,
  reason text not null,
  at timestamptz(3) not null
);

create index early_news_by_age on early_news (at);
