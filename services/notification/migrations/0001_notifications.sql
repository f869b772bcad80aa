-- Times come from the service's clock in whole milliseconds.

-- A user's list. Who adds to it holds its row, so that numbers are committed in
-- their order and a reader who has seen one has seen all before it.
create table inboxes (
  user_id uuid constraint inboxes_pkey primary key,
  last_seq bigint not null default 0,
  -- The account is gone: nothing may be added any more.
  closed boolean not null default false
);

create table notifications (
  id uuid constraint notifications_pkey primary key,
  user_id uuid not null,
  seq bigint not null,
  topic text not null,
  subject text not null,
  text text not null,
  html text not null default '',
  link text not null default '',
  channels text[] not null,
  -- Whether it is shown in the user's list.
  in_app boolean not null,
  -- Who asked for it, and under which key; personal data is none of it.
  sender text not null,
  idempotency_key text,
  request_hash bytea,
  created_at timestamptz(3) not null,
  read_at timestamptz(3),
  constraint notifications_seq_unique unique (user_id, seq)
);

create unique index notifications_by_key on notifications (sender, idempotency_key)
  where idempotency_key is not null;
create index notifications_unread on notifications (user_id, seq) where in_app and read_at is null;
create index notifications_by_age on notifications (created_at);

create table deliveries (
  id uuid constraint deliveries_pkey primary key,
  notification_id uuid not null constraint deliveries_notification
    references notifications (id) on delete cascade,
  user_id uuid not null,
  channel text not null constraint deliveries_channel_known check (channel in ('email', 'sms', 'push', 'in_app')),
  status text not null constraint deliveries_status_known check (
    status in ('queued', 'held', 'sent', 'delivered', 'failed', 'skipped')),
  reason text not null default '',
  provider text not null default '',
  provider_reference text not null default '',
  -- In the provider's words, which may name an address.
  answer text not null default '',
  attempts integer not null default 0,
  held_until timestamptz(3),
  -- Goes out with others in one e-mail.
  digest boolean not null default false,
  -- The delivery whose job sends this one along.
  digest_lead uuid,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  constraint deliveries_once unique (notification_id, channel)
);

create index deliveries_in_digest on deliveries (user_id, held_until) where digest and status = 'held';
create index deliveries_open on deliveries (coalesce(held_until, created_at)) where status in ('queued', 'held');
