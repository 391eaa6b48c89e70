-- What becomes of quotes and order confirmations, and what a document was made of.
alter table documents add column accepted_at text;

alter table documents add column rejected_at text;

alter table documents add column converted_to_kind text;

alter table documents add column converted_to_id text;

alter table documents add column converted_from_kind text;

alter table documents add column converted_from_number text;

alter table documents add column converted_from_id text;

create index documents_by_source on documents (company_id, converted_from_id) where converted_from_id is not null;
