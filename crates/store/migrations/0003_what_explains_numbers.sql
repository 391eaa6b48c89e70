-- Credit notes undone by an invoice, the prefixes a number series has had, and voids found by their note.
alter table documents add column reverses_number text;

alter table documents add column reverses_id text;

create index documents_by_reversed on documents (company_id, reverses_id) where reverses_id is not null;

-- Every prefix a series has numbered with: the same text is never begun anew at 1.
create table number_series_prefixes (
  company_id text not null,
  series_id text not null,
  prefix text not null,
  per_fiscal_year text not null,
  primary key (company_id, series_id, prefix, per_fiscal_year),
  foreign key (company_id, series_id) references number_series (company_id, id)
);

insert into number_series_prefixes (company_id, series_id, prefix, per_fiscal_year)
  select company_id, id, prefix, per_fiscal_year from number_series;

create index events_of_voids on events (company_id, resource_id) where type = 'credit_note.voided';

create index documents_by_void on documents (company_id, series_id, series_year, number_seq) where voided_at is not null;
