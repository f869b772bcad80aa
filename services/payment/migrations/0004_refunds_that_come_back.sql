-- A refund that had succeeded may fail weeks later: the customer's bank sends the
-- money back. What was booked stays, and is booked back.
alter table ledger_transactions
  drop constraint ledger_transactions_kind_known,
  drop constraint ledger_transactions_refund_named,
  add constraint ledger_transactions_kind_known check (kind in ('charge', 'refund', 'refund_back')),
  add constraint ledger_transactions_refund_named check ((kind <> 'charge') = (refund_id is not null));

create unique index ledger_refund_back_once on ledger_transactions (refund_id) where kind = 'refund_back';

-- Those of before are looked at once; the later looks follow from that.
update refunds set next_try_at = created_at + interval '1 day', tries = 0
where state = 'succeeded' and next_try_at is null and created_at > now() - interval '32 days';
