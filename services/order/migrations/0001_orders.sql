-- Times come from the service's clock in whole milliseconds.
create table orders (
  id uuid constraint orders_pkey primary key,
  number text not null constraint orders_number_unique unique,
  customer_id uuid not null,
  -- Known once the stock is held, like the total.
  seller_id uuid,
  status text not null constraint orders_status_known check (status in (
    'pending', 'awaiting_payment', 'paid', 'processing', 'shipped', 'delivered',
    'cancelling', 'cancelled', 'failed', 'refunded')),
  reason text not null default '',
  currency text,
  total bigint constraint orders_total_positive check (total >= 0),
  refunded bigint not null default 0,
  -- What the customer saw, if she said so.
  expected_currency text,
  expected_total bigint,
  payment_id uuid,
  pay_by timestamptz(3) not null,
  -- Personal data: blanked when the customer's account goes.
  delivery jsonb,
  note text not null default '',
  idempotency_key text,
  request_hash bytea,
  -- What the customer was told when it failed, to be told again.
  failure jsonb,
  -- What other services are to do, the next first.
  due text[] not null default '{}' constraint orders_due_known
    check (due <@ array['reserve', 'commit_stock', 'close_payment', 'release_stock']),
  round integer not null default 0,
  tries integer not null default 0,
  next_try_at timestamptz(3),
  failing_since timestamptz(3),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  constraint orders_due_has_time check ((due = '{}') = (next_try_at is null))
);

create unique index orders_by_key on orders (customer_id, idempotency_key) where idempotency_key is not null;
create index orders_by_customer on orders (customer_id, id desc);
create index orders_by_seller on orders (seller_id, id desc) where seller_id is not null;
create index orders_by_status on orders (status, id desc);
create index orders_due on orders (next_try_at) where next_try_at is not null;
create index orders_to_pay on orders (pay_by) where status in ('pending', 'awaiting_payment');

create table order_lines (
  order_id uuid not null constraint order_lines_order references orders (id) on delete cascade,
  place smallint not null,
  -- One of them may be left to the product service until the stock is held.
  product_id uuid,
  variant_id uuid,
  quantity integer not null constraint order_lines_quantity_positive check (quantity > 0),
  product_name text not null default '',
  variant_name text not null default '',
  sku text not null default '',
  unit_price bigint,
  constraint order_lines_pkey primary key (order_id, place)
);

create table order_history (
  place bigint generated always as identity constraint order_history_pkey primary key,
  order_id uuid not null constraint order_history_order references orders (id) on delete cascade,
  status text not null,
  reason text not null,
  -- What somebody wrote about it; blanked when the customer's account goes.
  said text not null default '',
  by text not null constraint order_history_by_known check (by in ('customer', 'seller', 'admin', 'system')),
  at timestamptz(3) not null
);

create index order_history_by_order on order_history (order_id, place);

create table order_payments (
  order_id uuid not null constraint order_payments_order references orders (id) on delete cascade,
  payment_id uuid not null,
  -- Null while only its refund was heard of.
  charged bigint,
  refunded bigint not null default 0,
  in_full boolean not null default false,
  constraint order_payments_pkey primary key (order_id, payment_id)
);
