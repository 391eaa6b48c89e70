-- A private person can be erased: when, and which events were written anew for it.
alter table customers add column erased_at text;
alter table events add column redacted_at text;
