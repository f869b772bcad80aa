-- Addresses of accounts and networks stand in these tables only as keyed
-- hashes, so that guesses leave no personal data behind.
create table pseudonym_key (
  only_one boolean constraint pseudonym_key_pkey primary key default true
    constraint pseudonym_key_single check (only_one),
  key bytea not null
);

-- Two random UUIDs are 244 random bits, without an extension.
insert into pseudonym_key (key) values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

create table sign_in_failures (
  scope text not null constraint sign_in_failures_scope_known
    check (scope in ('account', 'place', 'network', 'registration')),
  account text not null,
  network text not null,
  failures integer not null constraint sign_in_failures_counted check (failures >= 0),
  since timestamptz(3) not null,
  last_at timestamptz(3) not null,
  constraint sign_in_failures_pkey primary key (scope, account, network)
);

create index sign_in_failures_by_account on sign_in_failures (account) where account <> '';
create index sign_in_failures_by_age on sign_in_failures (last_at);

-- Networks from which an account was signed in to.
create table known_places (
  account_id uuid not null constraint known_places_account
    references accounts (id) on delete cascade,
  network text not null,
  last_seen_at timestamptz(3) not null,
  constraint known_places_pkey primary key (account_id, network)
);

create index known_places_by_age on known_places (last_seen_at);
