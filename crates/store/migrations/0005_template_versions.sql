-- Every version of a document template, and templates that are retired.
create table document_template_versions (
  company_id text not null,
  template_id text not null,
  version bigint not null,
  source text,
  settings text not null,
  created_at text not null,
  primary key (company_id, template_id, version),
  foreign key (company_id, template_id) references document_templates (company_id, id)
);

insert into document_template_versions (company_id, template_id, version, source, settings, created_at)
  select company_id, id, version, source, settings, updated_at from document_templates;

alter table document_templates drop column source;

alter table document_templates drop column settings;

alter table document_templates add column retired_at text;
