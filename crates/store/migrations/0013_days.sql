-- How far each company's day's work is, and what was told of what has run out: once each.
create table company_days (
  company_id text not null references companies (id),
  done_on text not null,
  primary key (company_id)
);

alter table open_items add column overdue_at text;

-- What is due and open and not told: what is not due costs nothing to look past.
create index open_items_untold on open_items (company_id, due_on)
  where open_amount > 0 and overdue_at is null and document_id is not null;

alter table documents add column expired_at text;

create index quotes_untold on documents (company_id, valid_until)
  where kind = 'quote' and status = 'sent' and expired_at is null;
