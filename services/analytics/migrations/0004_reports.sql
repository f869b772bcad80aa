create table reports (
  id uuid constraint reports_pkey primary key,
  -- Who asked: `user:<id>` or `service:<name>`.
  sender text not null,
  owner_id uuid,
  -- Whose figures it has; the owner of zeros for all.
  figures_of uuid not null,
  kind text not null constraint reports_kind_known check (kind in ('metrics', 'sales', 'events')),
  format text not null constraint reports_format_known check (format in ('csv', 'json')),
  span_from timestamptz(3) not null,
  span_until timestamptz(3) not null,
  time_zone text not null,
  bucket text not null,
  status text not null constraint reports_status_known check (
    status in ('waiting', 'writing', 'ready', 'failed')),
  reason text not null default '',
  lines bigint not null default 0,
  bytes bigint not null default 0,
  -- The attempt that writes it: one that was given up finds another here.
  writer uuid,
  idempotency_key text,
  request_hash bytea,
  created_at timestamptz(3) not null,
  touched_at timestamptz(3) not null,
  finished_at timestamptz(3),
  expires_at timestamptz(3)
);

create unique index reports_by_key on reports (sender, idempotency_key) where idempotency_key is not null;
create index reports_by_sender on reports (sender, id);
create index reports_open on reports (touched_at) where status in ('waiting', 'writing');
create index reports_expiring on reports (expires_at) where expires_at is not null;

create table report_chunks (
  report_id uuid not null constraint report_chunks_report references reports (id) on delete cascade,
  seq integer not null,
  data bytea not null,
  constraint report_chunks_pkey primary key (report_id, seq)
);
