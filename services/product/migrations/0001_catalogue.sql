create table products (
  id uuid constraint products_pkey primary key,
  seller_id uuid not null,
  name text not null,
  -- What `order by name` goes by: without the difference of great and small letters, the same on every machine.
  name_key text collate "C" not null,
  description text not null,
  category text collate "C" not null,
  currency text collate "C" not null,
  price bigint not null constraint products_price_check check (price >= 0),
  -- Of its cheapest variant: what `order by price` goes by.
  lowest_price bigint not null,
  status text not null constraint products_status_check check (status in ('draft', 'on_sale', 'paused')),
  image_file_ids uuid[] not null,
  -- Of all its variants, to be searched in.
  skus text not null,
  search tsvector not null generated always as (
    setweight(to_tsvector('simple', name), 'A')
    || setweight(to_tsvector('simple', replace(category, '/', ' ')), 'B')
    || setweight(to_tsvector('simple', skus), 'B')
    || setweight(to_tsvector('simple', description), 'C')) stored,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  -- Orders refer to it, so it stays.
  deleted_at timestamptz(3)
);

create index products_search on products using gin (search) where deleted_at is null;
create index products_by_time on products (created_at, id) where deleted_at is null;
create index products_by_price on products (currency, lowest_price, id) where deleted_at is null;
create index products_by_name on products (name_key, id) where deleted_at is null;
create index products_by_category on products (category) where deleted_at is null;
create index products_by_seller on products (seller_id, created_at, id) where deleted_at is null;

create table variants (
  id uuid constraint variants_pkey primary key,
  product_id uuid not null constraint variants_product_fkey references products,
  -- That of its product, so that the index below can be.
  seller_id uuid not null,
  position smallint not null,
  sku text not null,
  name text not null,
  attributes jsonb not null,
  -- In the currency of its product, and the price of that when it is null.
  price bigint constraint variants_price_check check (price >= 0),
  -- Its stock and its history stay.
  removed_at timestamptz(3)
);

create index variants_of_product on variants (product_id, position) where removed_at is null;
create unique index variants_sku_unique on variants (seller_id, sku) where sku <> '' and removed_at is null;
