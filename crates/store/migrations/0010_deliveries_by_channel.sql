-- Sends that wait for their instant, the e-invoice that goes with a delivery, jobs in queues by receiver,
-- and from whom a company's mails are.
alter table deliveries add column scheduled_at text;

alter table deliveries add column asked text;

alter table deliveries add column format text;

alter table deliveries add column ean_number text;

alter table jobs add column queue text not null default '';

create index jobs_by_kind on jobs (kind, due_at, queue);

alter table companies add column sender_email text;

alter table companies add column reply_to_email text;
