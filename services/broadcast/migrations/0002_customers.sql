-- Who bought from whom, counted by orders that were paid and stayed so.
create table customers (
  owner_id uuid not null,
  user_id uuid not null,
  orders integer not null constraint customers_orders_positive check (orders > 0),
  last_order_at timestamptz(3) not null,
  constraint customers_pkey primary key (owner_id, user_id)
);

create index customers_by_user on customers (user_id);

-- Each order counts once. What is told of it may come in any order.
create table purchases (
  order_id uuid constraint purchases_pkey primary key,
  owner_id uuid not null,
  user_id uuid not null,
  paid_at timestamptz(3),
  undone boolean not null default false
);

create index purchases_by_customer on purchases (owner_id, user_id, paid_at);
create index purchases_by_user on purchases (user_id);
