-- Times come from the service's clock in whole milliseconds. Amounts are in the
-- smallest unit of their currency.

-- What this service knows of an order. Whoever pays, closes or refunds one takes
-- its row first, so that none of them misses what another just did.
create table orders (
  id uuid constraint orders_pkey primary key,
  -- From then on nobody may pay it, and what was paid goes back.
  closed_at timestamptz(3),
  close_reason text not null default '',
  -- When the last of it was back.
  settled_at timestamptz(3),
  -- When to see again whether something is owed.
  next_try_at timestamptz(3),
  tries integer not null default 0
);

create index orders_due on orders (next_try_at) where next_try_at is not null;

create table payments (
  -- Also what the provider knows a second request by.
  id uuid constraint payments_pkey primary key,
  order_id uuid not null constraint payments_order references orders (id),
  customer_id uuid not null,
  seller_id uuid not null,
  state text not null constraint payments_state_known check (state in ('pending', 'succeeded', 'failed')),
  -- Charged though it had been given up: nobody waits for it, and all of it goes back.
  surplus boolean not null default false,
  currency text not null,
  amount bigint not null constraint payments_amount_positive check (amount > 0),
  -- What is back, and what is on its way.
  refunded bigint not null default 0,
  refunding bigint not null default 0,
  provider text not null,
  provider_reference text not null default '',
  method text not null constraint payments_method_known check (method in ('card', 'mobile_money')),
  -- The provider's token, or whose telephone; forgotten when it is no more needed.
  source text,
  method_label text not null default '',
  failure_code text not null default '',
  failure_message text not null default '',
  idempotency_key text,
  request_hash bytea,
  -- When the provider was last asked for the money.
  asked_at timestamptz(3) not null,
  next_try_at timestamptz(3),
  tries integer not null default 0,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  constraint payments_refunds_within_amount
    check (refunded >= 0 and refunding >= 0 and refunded + refunding <= amount)
);

-- An order is paid once.
create unique index payments_live on payments (order_id) where state <> 'failed' and not surplus;
create unique index payments_by_idempotency_key on payments (customer_id, idempotency_key)
  where idempotency_key is not null;
create index payments_by_order on payments (order_id, id);
create index payments_by_customer on payments (customer_id, id);
create index payments_due on payments (provider, next_try_at) where next_try_at is not null;
create index payments_by_reference on payments (provider, provider_reference) where provider_reference <> '';
create index payments_pending on payments (created_at) where state = 'pending';

create table refunds (
  id uuid constraint refunds_pkey primary key,
  payment_id uuid not null constraint refunds_payment references payments (id),
  order_id uuid not null,
  provider text not null,
  state text not null constraint refunds_state_known check (state in ('pending', 'succeeded', 'failed')),
  currency text not null,
  amount bigint not null constraint refunds_amount_positive check (amount > 0),
  reason text not null default '',
  failure_code text not null default '',
  provider_reference text not null default '',
  -- Nobody for those that follow from the end of an order.
  requested_by uuid,
  idempotency_key text,
  request_hash bytea,
  asked_at timestamptz(3),
  next_try_at timestamptz(3),
  tries integer not null default 0,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null
);

create unique index refunds_by_idempotency_key on refunds (requested_by, idempotency_key)
  where idempotency_key is not null;
create index refunds_by_payment on refunds (payment_id, id);
create index refunds_due on refunds (provider, next_try_at) where next_try_at is not null;
create index refunds_by_reference on refunds (provider, provider_reference) where provider_reference <> '';
create index refunds_pending on refunds (created_at) where state = 'pending';
