create index tracked_minutes_by_minute on tracked_minutes (minute);
