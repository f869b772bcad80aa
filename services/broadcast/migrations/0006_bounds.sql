-- One that its owner deleted, until its recipients are dropped, some at a time.
alter table broadcasts add column deleted_at timestamptz(3);

create index broadcasts_deleted on broadcasts (deleted_at) where deleted_at is not null;
create index broadcasts_drafts on broadcasts (owner_id) where status = 'draft';
create index broadcasts_drafts_by_age on broadcasts (created_at) where status = 'draft';

-- Whom an owner's broadcasts to customers have reached, or may have, lately. It
-- outlives the broadcast: deleting that does not let another one through.
create table reached (
  owner_id uuid not null,
  user_id uuid not null,
  broadcast_id uuid not null,
  -- It counts until then.
  until timestamptz(3) not null,
  constraint reached_pkey primary key (owner_id, user_id, broadcast_id)
);

create index reached_by_user on reached (user_id);
create index reached_over on reached (until);
