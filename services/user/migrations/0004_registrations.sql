-- Accounts that were made from a network are counted beside its failures.
alter table sign_in_failures
  drop constraint sign_in_failures_scope_known,
  add constraint sign_in_failures_scope_known
    check (scope in ('account', 'place', 'network', 'registration', 'registered'));
