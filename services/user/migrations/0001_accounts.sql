-- Times come from the service's clock in whole milliseconds, so that a page
-- token, which holds milliseconds, names a row's place exactly.
create table accounts (
  id uuid constraint accounts_pkey primary key,
  -- As typed, for display and mail.
  email text not null,
  -- Lower case, for uniqueness and login. Bytewise order, so that paging by it
  -- does not depend on the locale of the server.
  email_key text collate "C" not null constraint accounts_email_key_unique unique,
  password_hash text not null,
  -- Grows with each change of the password, so that a sign-in that checked the
  -- old one and ends after the change is noticed.
  password_version integer not null default 1,
  -- Chosen at registration and not yet given at security; null once it is.
  pending_role text,
  display_name text not null,
  -- Address and name in lower case, made by the service: what PostgreSQL makes
  -- of letters beyond ASCII depends on the locale it was set up with.
  search_text text not null,
  bio text not null default '',
  phone text not null default '',
  locale text not null default '',
  time_zone text not null default '',
  avatar_file_id uuid,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  last_login_at timestamptz(3)
);

create index accounts_by_age on accounts (created_at, id);

-- All that is kept of a deleted account.
create table deleted_accounts (
  id uuid constraint deleted_accounts_pkey primary key,
  deleted_at timestamptz(3) not null
);

-- Sessions that must end and roles that must be forgotten at security. Written
-- together with the change that demands it and removed when security has done
-- it, so that a crash in between leaves nothing half done.
create table closures (
  id uuid constraint closures_pkey primary key,
  user_id uuid not null,
  -- The account is gone: its roles go too.
  forget boolean not null,
  reason text not null,
  -- Who caused it, as the audit record names callers.
  actor text not null,
  requested_at timestamptz(3) not null
);

create index closures_by_user on closures (user_id);
create index closures_by_age on closures (requested_at);
