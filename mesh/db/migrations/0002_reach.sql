-- How far a consumer that keeps the order may have begun: what stands between its
-- position and this may have taken the process with it.
alter table weft_positions add column reach bigint not null default 0;
