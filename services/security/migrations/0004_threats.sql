create table sign_ins (
  id uuid constraint sign_ins_pkey primary key,
  account text not null,
  user_id uuid,
  address text not null,
  -- The network that the address belongs to; empty when it is not known.
  network text not null,
  succeeded boolean not null,
  time timestamptz(3) not null
);

create index sign_ins_failed_by_account on sign_ins (account, time) where not succeeded;
create index sign_ins_failed_by_address on sign_ins (address, time) where not succeeded;
create index sign_ins_succeeded_by_user on sign_ins (user_id, time desc) where succeeded;
create index sign_ins_by_user on sign_ins (user_id) where user_id is not null;
create index sign_ins_by_age on sign_ins (succeeded, time);

-- Hits of one identity, counted by the minute.
create table limit_hits (
  identity text not null,
  minute timestamptz(3) not null,
  hits bigint not null,
  constraint limit_hits_pkey primary key (identity, minute)
);

create index limit_hits_by_age on limit_hits (minute);

create table threats (
  -- UUIDv7: newest first is by this.
  id uuid constraint threats_pkey primary key,
  -- Numbers of security.v1.ThreatKind and security.v1.Severity.
  kind smallint not null,
  severity smallint not null,
  subject text not null,
  description text not null,
  occurrences integer not null constraint threats_seen check (occurrences > 0),
  first_seen_at timestamptz(3) not null,
  last_seen_at timestamptz(3) not null,
  resolved_at timestamptz(3),
  resolution text not null default ''
);

create index threats_open_by_subject on threats (subject, kind, last_seen_at) where resolved_at is null;
