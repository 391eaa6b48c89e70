-- A VAT code can be another country's (One-Stop-Shop), and what is charged under it says whose VAT it is.
alter table vat_codes add column country_code text;
-- Such a code's rates are told one by one.
alter table vat_rates add column id text;
alter table document_lines add column vat_country_code text;
alter table document_vat_groups add column vat_country_code text;
