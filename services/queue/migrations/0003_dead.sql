-- How many failed for good is counted for each queue again and again.
create index jobs_dead_by_queue on jobs (queue) where state = 'dead';
