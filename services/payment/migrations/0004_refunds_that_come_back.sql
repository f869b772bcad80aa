-- A refund that had succeeded may fail weeks later: the customer's bank sends the
-- money back. What was booked stays, and is booked back.
alter table ledger_transactions
  drop constraint ledger_transactions_kind_known,
  drop constraint ledger_transactions_refund_named,
  add constraint ledger_transactions_kind_known check (kind in ('charge', 'refund', 'refund_back')),
  add constraint ledger_transactions_refund_named check ((kind <> 'charge') = (refund_id is not null));

create unique index ledger_refund_back_once on ledger_transactions (refund_id) where kind = 'refund_back';

-- What others were told of as given back: what comes back and goes again is told of once.
alter table payments add column told_refunded bigint not null default 0;
update payments set told_refunded = refunded where refunded > 0 and not surplus;

-- Since when something is owed for it.
alter table orders add column owed_since timestamptz(3);
update orders set owed_since = coalesce(closed_at, now()) where next_try_at is not null;

-- Those of before are looked at once, over a day; the later looks follow from that.
update refunds set next_try_at = now() + random() * interval '1 day', tries = 0
where state = 'succeeded' and next_try_at is null and updated_at > now() - interval '32 days';
