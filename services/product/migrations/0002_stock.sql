-- Apart from the variants, for it changes far more often. All that ever came in
-- is somewhere: available + reserved + sold - returned.
create table stocks (
  variant_id uuid constraint stocks_pkey primary key constraint stocks_variant_fkey references variants,
  product_id uuid not null,
  seller_id uuid not null,
  available bigint not null default 0 constraint stocks_available_check check (available >= 0),
  reserved bigint not null default 0 constraint stocks_reserved_check check (reserved >= 0),
  sold bigint not null default 0 constraint stocks_sold_check check (sold >= 0),
  returned bigint not null default 0 constraint stocks_returned_check check (returned >= 0 and returned <= sold),
  low_stock_threshold integer not null default 0,
  updated_at timestamptz(3) not null
) with (fillfactor = 70);

-- Every change of a stock, which proves what it is now. Only `set` brings in or
-- takes out; all else moves from one place to another.
create table stock_movements (
  id bigint generated always as identity constraint stock_movements_pkey primary key,
  variant_id uuid not null constraint stock_movements_variant_fkey references variants,
  kind text not null constraint stock_movements_kind_check
    check (kind in ('set', 'reserved', 'released', 'sold', 'returned', 'expired')),
  order_id uuid,
  available bigint not null,
  reserved bigint not null,
  sold bigint not null,
  returned bigint not null,
  at timestamptz(3) not null,
  constraint stock_movements_balance_check check (
    case kind when 'set' then reserved = 0 and sold = 0 and returned = 0
    else available + reserved + sold - returned = 0 end)
);

create index stock_movements_of_variant on stock_movements (variant_id, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is only ever added to', tg_table_name;
end $$;

create trigger stock_movements_append_only before update or delete or truncate on stock_movements
  for each statement execute function refuse_change();
