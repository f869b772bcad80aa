-- The books. Nothing in them is ever changed; what was wrong is booked back.
create table ledger_transactions (
  id uuid constraint ledger_transactions_pkey primary key,
  kind text not null constraint ledger_transactions_kind_known check (kind in ('charge', 'refund')),
  payment_id uuid not null,
  refund_id uuid,
  order_id uuid not null,
  created_at timestamptz(3) not null,
  constraint ledger_transactions_refund_named check ((kind = 'refund') = (refund_id is not null))
);

-- Money comes once, and goes back once for each refund.
create unique index ledger_charge_once on ledger_transactions (payment_id) where kind = 'charge';
create unique index ledger_refund_once on ledger_transactions (refund_id) where kind = 'refund';

create table ledger_entries (
  id uuid constraint ledger_entries_pkey primary key,
  transaction_id uuid not null constraint ledger_entries_transaction references ledger_transactions (id),
  account text not null,
  currency text not null,
  minor_units bigint not null constraint ledger_entries_not_zero check (minor_units <> 0)
);

create index ledger_entries_by_transaction on ledger_entries (transaction_id);
create index ledger_entries_by_account on ledger_entries (account, id);
create index ledger_transactions_by_payment on ledger_transactions (payment_id);

-- Looked at when the work is to be committed, with all entries there.
create function ledger_require_balance() returns trigger language plpgsql as $$
declare
  of_transaction uuid := case tg_table_name when 'ledger_entries' then to_jsonb(new) ->> 'transaction_id'
                                            else to_jsonb(new) ->> 'id' end;
begin
  if not exists (select 1 from ledger_entries where transaction_id = of_transaction) then
    raise exception 'ledger transaction % has no entries', of_transaction
      using errcode = 'check_violation', constraint = 'ledger_balanced';
  end if;
  if exists (
    select 1 from ledger_entries where transaction_id = of_transaction
    group by currency having sum(minor_units) <> 0
  ) then
    raise exception 'entries of ledger transaction % do not sum to zero', of_transaction
      using errcode = 'check_violation', constraint = 'ledger_balanced';
  end if;
  return null;
end
$$;

create constraint trigger ledger_transactions_balanced after insert on ledger_transactions
  deferrable initially deferred for each row execute function ledger_require_balance();
create constraint trigger ledger_entries_balanced after insert on ledger_entries
  deferrable initially deferred for each row execute function ledger_require_balance();

create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the books are never changed' using errcode = 'check_violation', constraint = 'ledger_append_only';
end
$$;

create trigger ledger_transactions_kept before update or delete on ledger_transactions
  for each statement execute function ledger_refuse_change();
create trigger ledger_entries_kept before update or delete on ledger_entries
  for each statement execute function ledger_refuse_change();
