-- How often the answer was that something broke. Of its tries, others end with
-- an instance, or because the notification service is away.
alter table recipients add column broken integer not null default 0;
