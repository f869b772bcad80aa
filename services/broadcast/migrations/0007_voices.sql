-- In whose name it speaks, where that is not the platform.
alter table broadcasts add column voice text not null default '';
