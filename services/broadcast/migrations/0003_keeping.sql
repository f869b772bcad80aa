create index broadcasts_over on broadcasts (finished_at) where finished_at is not null;
