-- The whole of the books: companies and keys, catalogue, documents, crediting,
-- ledger, events, deliveries, jobs, files. One text for both engines: ids, dates
-- and decimals are text, money is bigint minor units, flags are 'yes'/'no'.

create table companies (
  id text primary key,
  name text not null,
  country_code text not null,
  currency text not null,
  language text not null,
  time_zone text not null,
  mode text not null,
  is_vat_registered text not null,
  address text,
  postal_code text,
  city text,
  email text,
  billing_email text,
  phone text,
  vat_number text,
  registration_number text,
  contact_first_name text,
  contact_last_name text,
  iban text,
  bic text,
  bank_account text,
  ean_number text,
  peppol_endpoint text,
  fiscal_year_start bigint not null,
  locked_through text,
  created_at text not null,
  updated_at text not null
);

-- What moves with every write; beside companies so that the company's row stays still.
create table company_counters (
  company_id text primary key references companies (id),
  event_sequence bigint not null,
  entry_sequence bigint not null,
  last_entry_hash text not null,
  last_customer_number bigint not null
);

-- The small look-up from a credential's hash to its company.
create table credentials (
  hash text primary key,
  company_id text not null references companies (id),
  key_id text not null
);

create table api_keys (
  company_id text not null references companies (id),
  id text not null,
  name text not null,
  prefix text not null,
  scopes text not null,
  ip_allowlist text not null,
  expires_at text,
  revoked_at text,
  created_at text not null,
  primary key (company_id, id)
);

create table vat_codes (
  company_id text not null references companies (id),
  id text not null,
  code text not null,
  name text not null,
  type text not null,
  principle text not null,
  account_to_book_id text,
  contra_account_id text,
  vat_category text,
  exemption_reason text,
  exemption_reason_code text,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  unique (company_id, code)
);

create table vat_rates (
  company_id text not null,
  vat_code_id text not null,
  valid_from text not null,
  rate text not null,
  primary key (company_id, vat_code_id, valid_from),
  foreign key (company_id, vat_code_id) references vat_codes (company_id, id)
);

create table accounts (
  company_id text not null references companies (id),
  id text not null,
  account_number bigint not null,
  public_account_id bigint not null,
  name text not null,
  ledger_type text not null,
  classification text,
  control_type text,
  role text,
  vat_code_id text,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  unique (company_id, account_number),
  foreign key (company_id, vat_code_id) references vat_codes (company_id, id)
);

create table journal_categories (
  company_id text not null references companies (id),
  id text not null,
  name text not null,
  is_default text not null,
  allowed_journal_types text not null,
  primary key (company_id, id)
);

create table number_series (
  company_id text not null references companies (id),
  id text not null,
  document_kind text not null,
  prefix text not null,
  padding bigint not null,
  per_fiscal_year text not null,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  unique (company_id, document_kind)
);

-- The next number of a series in a fiscal year; year 0 where the series never restarts.
create table number_series_years (
  company_id text not null,
  series_id text not null,
  year bigint not null,
  next_number bigint not null,
  last_numbered_at text not null,
  primary key (company_id, series_id, year),
  foreign key (company_id, series_id) references number_series (company_id, id)
);

create table exchange_rates (
  company_id text not null references companies (id),
  id text not null,
  currency text not null,
  date text not null,
  rate text not null,
  source text not null,
  created_at text not null,
  primary key (company_id, currency, date)
);

create table document_templates (
  company_id text not null references companies (id),
  id text not null,
  name text not null,
  document_type text not null,
  is_default text not null,
  version bigint not null,
  source text,
  settings text not null,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id)
);

create table customer_groups (
  company_id text not null references companies (id),
  id text not null,
  number text not null,
  name text not null,
  discount text,
  account_id text not null,
  metadata text not null,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  unique (company_id, number),
  foreign key (company_id, account_id) references accounts (company_id, id)
);

create table customers (
  company_id text not null references companies (id),
  id text not null,
  customer_number text not null,
  customer_type text not null,
  name text not null,
  vat_zone text not null,
  customer_group_id text not null,
  is_active text not null,
  billing_relationship text not null,
  parent_customer_id text,
  invoicing_mode text not null,
  include_child_details_pdf text not null,
  email text,
  phone text,
  address text,
  city text,
  postal_code text,
  country_code text not null,
  vat_number text,
  registration_number text,
  website text,
  external_system_id text,
  ean_number text,
  peppol_endpoint text,
  currency text not null,
  payment_terms bigint not null,
  language text not null,
  delivery_type text,
  document_template_ids text not null,
  metadata text not null,
  search_text text not null,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  unique (company_id, customer_number),
  unique (company_id, external_system_id),
  foreign key (company_id, customer_group_id) references customer_groups (company_id, id)
);

create table customer_contacts (
  company_id text not null,
  id text not null,
  customer_id text not null,
  name text not null,
  email text,
  phone text,
  is_default text not null,
  receives_invoices text not null,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  foreign key (company_id, customer_id) references customers (company_id, id)
);

create table customer_departments (
  company_id text not null,
  id text not null,
  customer_id text not null,
  name text not null,
  is_default text not null,
  is_active text not null,
  ean_number text,
  address text,
  city text,
  postal_code text,
  country_code text,
  email text,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  foreign key (company_id, customer_id) references customers (company_id, id)
);

create table product_groups (
  company_id text not null references companies (id),
  id text not null,
  number text not null,
  name text not null,
  description text,
  domestic_account_id text not null,
  eu_account_id text not null,
  abroad_account_id text not null,
  domestic_without_vat_account_id text not null,
  search_text text not null,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  unique (company_id, number),
  foreign key (company_id, domestic_account_id) references accounts (company_id, id),
  foreign key (company_id, eu_account_id) references accounts (company_id, id),
  foreign key (company_id, abroad_account_id) references accounts (company_id, id),
  foreign key (company_id, domestic_without_vat_account_id) references accounts (company_id, id)
);

create table products (
  company_id text not null references companies (id),
  id text not null,
  number text not null,
  name text not null,
  product_group_id text not null,
  description text,
  unit text,
  is_goods text not null,
  external_system_id text,
  is_active text not null,
  metadata text not null,
  search_text text not null,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  unique (company_id, number),
  unique (company_id, external_system_id),
  foreign key (company_id, product_group_id) references product_groups (company_id, id)
);

create index products_by_group on products (company_id, product_group_id);

create table prices (
  company_id text not null,
  id text not null,
  product_id text not null,
  billing_period_type text not null,
  pricing_model text not null,
  nickname text,
  unit_amount text,
  billing_interval text,
  billing_interval_count bigint,
  currency text not null,
  meter_id text,
  status text not null,
  is_default text not null,
  is_locked text not null,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id),
  foreign key (company_id, product_id) references products (company_id, id)
);

create index prices_by_product on prices (company_id, product_id);

create table price_tiers (
  company_id text not null,
  price_id text not null,
  position bigint not null,
  up_to text,
  unit_amount text not null,
  flat_amount text,
  package_size text,
  primary key (company_id, price_id, position),
  foreign key (company_id, price_id) references prices (company_id, id)
);

-- The text pairs of any resource; filtered by.
create table metadata (
  company_id text not null,
  resource_type text not null,
  resource_id text not null,
  key text not null,
  value text not null,
  primary key (company_id, resource_type, resource_id, key)
);

create index metadata_by_value on metadata (company_id, resource_type, key, value, resource_id);

-- Invoices, credit notes, quotes and order confirmations. What is written at the
-- booking never changes after it (its snapshot's hash stands in the journal entry);
-- from `status` on stand facts that later deeds move.
create table documents (
  company_id text not null references companies (id),
  id text not null,
  kind text not null,
  series_id text,
  series_year bigint,
  number_seq bigint,
  number text,
  date text not null,
  due_date text,
  payment_terms bigint,
  currency text not null,
  customer_id text not null,
  customer_department_id text,
  customer_contact_id text,
  reference text,
  our_reference text,
  description text,
  notes text,
  document_template_id text,
  template_version bigint,
  language text,
  delivery_date text,
  delivery_country_code text,
  period_start text,
  period_end text,
  tax_point_date text,
  valid_until text,
  invoice_number text,
  invoice_id text,
  external_invoice_number text,
  external_invoice_date text,
  credited_period_from text,
  credited_period_to text,
  reason text,
  subtotal bigint not null,
  vat bigint not null,
  amount bigint not null,
  exchange_rate text,
  base_currency text not null,
  base_amount bigint,
  base_vat bigint,
  origin text not null,
  subscription_id text,
  numbered_at text,
  booked_at text,
  journal_entry_id text,
  seller text,
  buyer text,
  snapshot_sha256 text,
  metadata text not null,
  search_text text not null,
  created_at text not null,
  updated_at text not null,
  status text not null,
  scheduled_at text,
  sent_at text,
  cancelled_at text,
  voided_at text,
  void_reason text,
  credited_amount bigint not null,
  pending_credit_amount bigint not null,
  credit_note_count bigint not null,
  paid_amount bigint not null,
  allocated_amount bigint not null,
  written_off_amount bigint not null,
  delivery_state text not null,
  primary key (company_id, id),
  unique (company_id, series_id, series_year, number_seq),
  foreign key (company_id, customer_id) references customers (company_id, id),
  foreign key (company_id, series_id) references number_series (company_id, id)
);

create index documents_by_time on documents (company_id, kind, created_at, id);
create index documents_by_number on documents (company_id, kind, number);
create index documents_by_customer on documents (company_id, customer_id, kind, created_at, id);

create table document_lines (
  company_id text not null,
  document_id text not null,
  position bigint not null,
  id text not null,
  line_type text not null,
  price_id text,
  product_id text,
  product_number text,
  description text,
  quantity text,
  unit text,
  unit_price text,
  discount_percent text,
  total_price bigint,
  vat_rate text,
  vat_category text,
  vat_amount bigint,
  exemption_reason text,
  exemption_reason_code text,
  account_id text,
  vat_code_id text,
  is_goods text,
  base_total bigint,
  base_vat bigint,
  period_start text,
  period_end text,
  tag_ids text not null,
  metadata text not null,
  invoice_line_id text,
  primary key (company_id, document_id, position),
  foreign key (company_id, document_id) references documents (company_id, id)
);

create index document_lines_by_id on document_lines (company_id, id);

-- A document's VAT, one row per category and rate.
create table document_vat_groups (
  company_id text not null,
  document_id text not null,
  position bigint not null,
  vat_category text not null,
  vat_rate text not null,
  taxable_amount bigint not null,
  vat_amount bigint not null,
  exemption_reason text,
  exemption_reason_code text,
  mode text not null,
  primary key (company_id, document_id, position),
  foreign key (company_id, document_id) references documents (company_id, id)
);

-- How far each line of a booked invoice has been credited; a row is made by the first credit.
create table credit_states (
  company_id text not null,
  invoice_id text not null,
  invoice_line_id text not null,
  credited_net bigint not null,
  credited_vat bigint not null,
  credited_base_net bigint not null,
  credited_base_vat bigint not null,
  epoch_net bigint not null,
  epoch_quantity text not null,
  quantity_left text not null,
  primary key (company_id, invoice_id, invoice_line_id),
  foreign key (company_id, invoice_id) references documents (company_id, id)
);

-- What one line of a credit note takes from one line of an invoice; amounts as on the invoice (positive).
create table credit_shares (
  company_id text not null,
  credit_note_id text not null,
  position bigint not null,
  note_line_id text not null,
  invoice_id text not null,
  invoice_line_id text not null,
  mode text not null,
  net bigint not null,
  vat bigint not null,
  base_net bigint not null,
  base_vat bigint not null,
  quantity text not null,
  primary key (company_id, credit_note_id, position),
  foreign key (company_id, credit_note_id) references documents (company_id, id),
  foreign key (company_id, invoice_id) references documents (company_id, id)
);

create index credit_shares_by_invoice on credit_shares (company_id, invoice_id, credit_note_id);

-- What a credit note takes from each invoice; amounts positive. Read from both sides.
create table credits (
  company_id text not null,
  credit_note_id text not null,
  invoice_id text not null,
  amount bigint not null,
  primary key (company_id, credit_note_id, invoice_id),
  foreign key (company_id, credit_note_id) references documents (company_id, id),
  foreign key (company_id, invoice_id) references documents (company_id, id)
);

create index credits_by_invoice on credits (company_id, invoice_id, credit_note_id);

-- What a document looked like when it was booked, as canonical JSON.
create table snapshots (
  company_id text not null,
  document_id text not null,
  sha256 text not null,
  json text not null,
  primary key (company_id, document_id),
  foreign key (company_id, document_id) references documents (company_id, id)
);

-- The ledger: append only. Each entry carries its predecessor's hash.
create table journal_entries (
  company_id text not null references companies (id),
  sequence bigint not null,
  id text not null,
  entry_type text not null,
  date text not null,
  currency text not null,
  description text not null,
  reference text,
  document_id text,
  customer_id text,
  reverses_entry_id text,
  journal_category_id text,
  external_system_id text,
  document_sha256 text,
  previous_hash text not null,
  hash text not null,
  created_at text not null,
  primary key (company_id, sequence),
  unique (company_id, id)
);

create index journal_entries_by_document on journal_entries (company_id, document_id);

-- Amounts are signed: above zero is debit, below is credit.
create table postings (
  company_id text not null,
  entry_id text not null,
  position bigint not null,
  account_id text not null,
  amount bigint not null,
  currency text not null,
  base_amount bigint not null,
  vat_code_id text,
  vat_category text,
  vat_rate text,
  is_goods text,
  open_item_id text,
  customer_id text,
  document_id text,
  tag_ids text not null,
  description text,
  primary key (company_id, entry_id, position),
  foreign key (company_id, account_id) references accounts (company_id, id)
);

create index postings_by_account on postings (company_id, account_id);

-- What a customer owes (above zero) or has to its credit (below), item by item, in both currencies.
create table open_items (
  company_id text not null,
  id text not null,
  customer_id text not null,
  account_id text not null,
  document_id text,
  entry_id text not null,
  date text not null,
  due_on text,
  currency text not null,
  amount bigint not null,
  base_amount bigint not null,
  open_amount bigint not null,
  base_open_amount bigint not null,
  created_at text not null,
  primary key (company_id, id),
  foreign key (company_id, customer_id) references customers (company_id, id)
);

create index open_items_by_customer on open_items (company_id, customer_id, date);
create index open_items_by_document on open_items (company_id, document_id);

create table allocations (
  company_id text not null,
  id text not null,
  credit_item_id text not null,
  debit_item_id text not null,
  credit_document_id text,
  debit_document_id text,
  amount bigint not null,
  credit_base_amount bigint not null,
  debit_base_amount bigint not null,
  entry_id text not null,
  date text not null,
  created_at text not null,
  reversed_at text,
  reversal_entry_id text,
  primary key (company_id, id)
);

create index allocations_by_credit on allocations (company_id, credit_document_id);
create index allocations_by_debit on allocations (company_id, debit_document_id);

-- Everything that happened, in order: `data` is published, `before` never.
create table events (
  company_id text not null references companies (id),
  sequence bigint not null,
  id text not null,
  type text not null,
  occurred_at text not null,
  resource_type text not null,
  resource_id text not null,
  actor_type text not null,
  actor_id text,
  request_id text not null,
  remote_address text,
  agent text,
  data text not null,
  before text,
  primary key (company_id, sequence)
);

create table deliveries (
  company_id text not null,
  id text not null,
  document_id text not null,
  delivery_type text not null,
  recipient text,
  message text,
  language text not null,
  status text not null,
  attempt_count bigint not null,
  first_attempt_at text,
  last_attempt_at text,
  delivered_at text,
  next_attempt_at text,
  last_error_code text,
  last_error_message text,
  provider_document_id text,
  created_at text not null,
  primary key (company_id, id),
  foreign key (company_id, document_id) references documents (company_id, id)
);

create index deliveries_by_document on deliveries (company_id, document_id, created_at);

create table delivery_attempts (
  company_id text not null,
  id text not null,
  delivery_id text not null,
  document_id text not null,
  attempt bigint not null,
  delivery_type text not null,
  recipient text,
  status text not null,
  started_at text not null,
  finished_at text,
  provider_message_id text,
  error_code text,
  error_message text,
  primary key (company_id, id),
  foreign key (company_id, delivery_id) references deliveries (company_id, id)
);

create index delivery_attempts_by_document on delivery_attempts (company_id, document_id, started_at);

-- The outbox: work that follows a deed, stored with it. A worker claims a job by a lease.
create table jobs (
  company_id text not null references companies (id),
  id text not null,
  kind text not null,
  subject_id text not null,
  due_at text not null,
  attempts bigint not null,
  lease_id text,
  created_at text not null,
  primary key (company_id, id)
);

create index jobs_by_due on jobs (due_at);

-- Archived copies, written once.
create table files (
  company_id text not null,
  document_id text not null,
  kind text not null,
  sha256 text not null,
  bytes bytes not null,
  created_at text not null,
  primary key (company_id, document_id, kind)
);
