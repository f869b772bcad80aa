-- What the links in e-mails are signed with, the same for all instances.
create table link_key (
  only_one boolean constraint link_key_pkey primary key default true
    constraint link_key_single check (only_one),
  key bytea not null
);

-- Two random UUIDs are 244 random bits, without an extension.
insert into link_key (key) values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
