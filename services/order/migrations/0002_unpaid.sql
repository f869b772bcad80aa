-- Those that hold stock without being paid, of one customer.
create index orders_unpaid on orders (customer_id) where status in ('pending', 'awaiting_payment');
