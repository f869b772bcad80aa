create index broadcasts_ahead on broadcasts (owner_id)
where status in ('scheduled', 'gathering', 'sending', 'paused');
