-- Accounts that are gone. What is told late of their orders counts for nobody.
create table forgotten (
  user_id uuid constraint forgotten_pkey primary key,
  at timestamptz(3) not null
);
