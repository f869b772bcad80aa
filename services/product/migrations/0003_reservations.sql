create table reservations (
  order_id uuid constraint reservations_pkey primary key,
  -- A row `released` without lines is of an order that was off before its stock was asked for.
  state text not null constraint reservations_state_check check (state in ('held', 'sold', 'released', 'expired')),
  expires_at timestamptz(3),
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  constraint reservations_held_check check (state <> 'held' or expires_at is not null)
);

create index reservations_due on reservations (expires_at) where state = 'held';

-- As they were when they were reserved: an order keeps them.
create table reservation_lines (
  order_id uuid not null constraint reservation_lines_order_fkey references reservations,
  position smallint not null,
  seller_id uuid not null,
  product_id uuid not null,
  variant_id uuid not null constraint reservation_lines_variant_fkey references variants,
  product_name text not null,
  variant_name text not null,
  sku text not null,
  quantity integer not null constraint reservation_lines_quantity_check check (quantity > 0),
  unit_price bigint not null,
  currency text not null,
  constraint reservation_lines_pkey primary key (order_id, position)
);
