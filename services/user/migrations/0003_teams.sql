create table teams (
  id uuid constraint teams_pkey primary key,
  name text not null,
  owner_id uuid not null constraint teams_owner references accounts (id),
  created_at timestamptz(3) not null
);

create index teams_by_owner on teams (owner_id);

create table team_members (
  team_id uuid not null constraint team_members_team references teams (id) on delete cascade,
  user_id uuid not null constraint team_members_user references accounts (id) on delete cascade,
  role text not null constraint team_members_role_known check (role in ('Manager', 'Editor', 'Viewer')),
  joined_at timestamptz(3) not null,
  constraint team_members_pkey primary key (team_id, user_id)
);

create index team_members_by_user on team_members (user_id, team_id);
