-- Which record this is. Part of the first seal, so that no other record can be
-- put in its place.
create table audit_record (
  only_one boolean constraint audit_record_pkey primary key default true
    constraint audit_record_single check (only_one),
  id uuid not null
);

insert into audit_record (id) values (gen_random_uuid());

create table audit_entries (
  sequence bigint constraint audit_entries_pkey primary key,
  time timestamptz(3) not null,
  service text not null,
  actor text not null,
  action text collate "C" not null,
  resource text not null,
  -- Numbers of security.v1.Outcome.
  outcome smallint not null,
  request_id text not null,
  details jsonb not null,
  -- HMAC-SHA256 over the seal before it and this entry.
  seal bytea not null
);

create index audit_entries_by_actor on audit_entries (actor, sequence);
create index audit_entries_by_action on audit_entries (action, sequence);
create index audit_entries_by_resource on audit_entries (resource, sequence);
create index audit_entries_by_time on audit_entries (time, sequence);

create function audit_only_grows() returns trigger language plpgsql as $$
begin
  raise exception 'the audit record only grows: % is not possible', lower(tg_op);
end
$$;

create trigger audit_entries_only_grow
  before update or delete or truncate on audit_entries
  for each statement execute function audit_only_grows();

create trigger audit_record_stays
  before update or delete or truncate on audit_record
  for each statement execute function audit_only_grows();
