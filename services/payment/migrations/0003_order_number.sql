-- What people call the order, for what is told of its payment.
alter table payments add column order_number text not null default '';
