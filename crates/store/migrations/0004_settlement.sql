-- What settles invoices and credits: payments, refunds, write-offs and what recovers
-- them. A deed that was taken back stays, with the entry that mirrors it.

create table payments (
  company_id text not null,
  id text not null,
  invoice_id text not null,
  customer_id text not null,
  date text not null,
  currency text not null,
  amount bigint not null,
  settled_amount bigint not null,
  settled_base_amount bigint not null,
  recovered_amount bigint not null,
  credit_amount bigint not null,
  credit_item_id text,
  reference text,
  method text,
  entry_id text not null,
  created_at text not null,
  reversed_at text,
  reversal_entry_id text,
  primary key (company_id, id),
  foreign key (company_id, invoice_id) references documents (company_id, id)
);

create index payments_by_invoice on payments (company_id, invoice_id, id);

create table refunds (
  company_id text not null,
  id text not null,
  item_id text not null,
  document_id text,
  customer_id text not null,
  date text not null,
  currency text not null,
  amount bigint not null,
  item_base_amount bigint not null,
  reference text not null,
  entry_id text not null,
  created_at text not null,
  reversed_at text,
  reversal_entry_id text,
  primary key (company_id, id),
  foreign key (company_id, item_id) references open_items (company_id, id)
);

create index refunds_by_item on refunds (company_id, item_id, id);
create index refunds_by_document on refunds (company_id, document_id);

create table write_offs (
  company_id text not null,
  id text not null,
  invoice_id text not null,
  customer_id text not null,
  date text not null,
  currency text not null,
  amount bigint not null,
  item_base_amount bigint not null,
  reason text not null,
  vat_relief text not null,
  evidence text,
  entry_id text not null,
  created_at text not null,
  reversed_at text,
  reversal_entry_id text,
  primary key (company_id, id),
  foreign key (company_id, invoice_id) references documents (company_id, id)
);

create index write_offs_by_invoice on write_offs (company_id, invoice_id, id);

-- The lines of a loss: bad debt first, then output VAT by code; and how far they are recovered.
create table write_off_parts (
  company_id text not null,
  write_off_id text not null,
  position bigint not null,
  account_id text not null,
  vat_code_id text,
  vat_category text,
  vat_rate text,
  amount bigint not null,
  base_amount bigint not null,
  recovered_amount bigint not null,
  recovered_base_amount bigint not null,
  primary key (company_id, write_off_id, position),
  foreign key (company_id, write_off_id) references write_offs (company_id, id)
);

-- What a payment recovers of each line of a loss.
create table recoveries (
  company_id text not null,
  payment_id text not null,
  write_off_id text not null,
  position bigint not null,
  amount bigint not null,
  base_amount bigint not null,
  primary key (company_id, payment_id, write_off_id, position),
  foreign key (company_id, payment_id) references payments (company_id, id),
  foreign key (company_id, write_off_id, position) references write_off_parts (company_id, write_off_id, position)
);

-- An open item of a payment that was too much has no document.
alter table open_items add column payment_id text;

create index allocations_by_credit_item on allocations (company_id, credit_item_id, id);

-- A customer's statement is read from the entries.
create index journal_entries_by_customer on journal_entries (company_id, customer_id, date);
