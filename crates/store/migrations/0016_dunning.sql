-- Reminders of what is not paid: the schedule, what was sent by it, and what holds an invoice back.
create table dunning_schedules (
  company_id text not null references companies (id),
  is_enabled text not null,
  currency text not null,
  minimum_amount bigint not null,
  steps text not null,
  updated_at text not null,
  primary key (company_id)
);

create table dunning_pauses (
  company_id text not null,
  invoice_id text not null,
  until text,
  notes text,
  created_at text not null,
  primary key (company_id, invoice_id),
  foreign key (company_id, invoice_id) references documents (company_id, id)
);

-- A step is taken once; one whose mail never left may be taken again.
create table reminders (
  company_id text not null,
  id text not null,
  invoice_id text not null,
  customer_id text not null,
  step bigint not null,
  date text not null,
  status text not null,
  recipient text not null,
  language text not null,
  text text,
  currency text not null,
  fee_amount bigint not null,
  base_fee_amount bigint not null,
  fee_item_id text,
  entry_id text,
  fee_reversed_at text,
  fee_reversal_entry_id text,
  attempt_count bigint not null,
  next_attempt_at text,
  sent_at text,
  last_error_code text,
  last_error_message text,
  created_at text not null,
  primary key (company_id, id),
  foreign key (company_id, invoice_id) references documents (company_id, id)
);

create unique index reminders_by_step on reminders (company_id, invoice_id, step) where status in ('pending', 'sent');

create index reminders_by_invoice on reminders (company_id, invoice_id, id);

-- The open item of a reminder's fee has no document.
alter table open_items add column reminder_id text;

-- How many reminders of an invoice stand: what is due for the next is found without the rest.
alter table open_items add column reminder_count bigint not null default 0;

create index open_items_to_remind on open_items (company_id, reminder_count, due_on, id)
  where open_amount > 0 and document_id is not null;

-- What a payment settles of fees.
alter table payments add column fee_amount bigint not null default 0;

create table payment_fees (
  company_id text not null,
  payment_id text not null,
  item_id text not null,
  amount bigint not null,
  base_amount bigint not null,
  primary key (company_id, payment_id, item_id),
  foreign key (company_id, payment_id) references payments (company_id, id),
  foreign key (company_id, item_id) references open_items (company_id, id)
);

create index payment_fees_by_item on payment_fees (company_id, item_id);
