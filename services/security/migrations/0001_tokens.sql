-- Times come from the service's clock in whole milliseconds.
create table signing_keys (
  kid text constraint signing_keys_pkey primary key,
  state text not null constraint signing_keys_state_known check (state in ('next', 'active', 'retired')),
  -- The public key: member `x` of the JWK.
  public_key text not null,
  -- Encrypted under the master key. Gone once the key is retired: what does not
  -- exist cannot be stolen.
  private_key bytea,
  -- HMAC over kid and public key, under a key that is not in the database: who
  -- can write here must not be able to make others believe a key of his own.
  seal bytea not null,
  created_at timestamptz(3) not null,
  activated_at timestamptz(3),
  retired_at timestamptz(3),
  -- Life of the longest token that it may have signed. Kept here because the
  -- configuration may be another one by the time the key is retired.
  longest_life_ms bigint not null,
  constraint signing_keys_private_while_used check ((private_key is null) = (state = 'retired'))
);

create unique index signing_keys_one_active_one_next on signing_keys (state) where state <> 'retired';

create table sessions (
  id uuid constraint sessions_pkey primary key,
  user_id uuid not null,
  email text not null,
  address text not null,
  user_agent text not null,
  opened_at timestamptz(3) not null,
  used_at timestamptz(3) not null,
  -- However busy it is.
  expires_at timestamptz(3) not null,
  closed_at timestamptz(3),
  close_reason text,
  constraint sessions_closed_for_a_reason check ((closed_at is null) = (close_reason is null))
);

create index sessions_open_by_user on sessions (user_id) where closed_at is null;
create index sessions_by_user on sessions (user_id);
create index sessions_by_expiry on sessions (expires_at);
create index sessions_by_close on sessions (closed_at) where closed_at is not null;

create table refresh_tokens (
  -- SHA-256: a token is 256 random bits, so a plain hash tells nothing.
  hash bytea constraint refresh_tokens_pkey primary key,
  session_id uuid not null constraint refresh_tokens_session references sessions (id) on delete cascade,
  expires_at timestamptz(3) not null,
  -- Kept when spent, to notice when it is shown again.
  spent_at timestamptz(3)
);

create index refresh_tokens_by_session on refresh_tokens (session_id);
create index refresh_tokens_by_expiry on refresh_tokens (expires_at);

-- Assertions of services that were accepted. Shared by all instances, or each
-- would accept the same one once.
create table used_assertions (
  service text not null,
  jti text not null,
  expires_at timestamptz(3) not null,
  constraint used_assertions_pkey primary key (service, jti)
);

create index used_assertions_by_expiry on used_assertions (expires_at);

create sequence announcement_versions;

-- What every process must hear of: ended sessions and changed roles. Written
-- with the change and kept until no token from before it is good any more.
create table announcements (
  key text constraint announcements_pkey primary key,
  value jsonb not null,
  version bigint not null,
  -- 0 for not announced.
  announced_version bigint not null default 0,
  changed_at timestamptz(3) not null,
  expires_at timestamptz(3) not null
);

create index announcements_pending on announcements (version) where announced_version <> version;
create index announcements_by_expiry on announcements (expires_at);
