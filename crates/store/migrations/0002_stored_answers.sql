-- What a write answered under its idempotency key, stored with its effect and given again for a week.
create table stored_answers (
  company_id text not null,
  key text not null,
  request_sha256 text not null,
  status bigint not null,
  body text,
  stored_at text not null,
  primary key (company_id, key)
);

create index stored_answers_by_time on stored_answers (stored_at);
