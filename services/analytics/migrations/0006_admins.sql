-- Who has thresholds over everybody's figures, and whether security said lately that they still may.
create table admins (
  user_id uuid constraint admins_pkey primary key,
  allowed boolean not null,
  asked_at timestamptz(3) not null
);

create index thresholds_of_everybody on thresholds (owner_id)
  where figures_of = '00000000-0000-0000-0000-000000000000';
