-- An answer is looked up by a hash of its company and key, whose index is a fifth as large. What was kept before
-- is forgotten: a hash is nothing that both engines can reckon.
drop table stored_answers;

create table stored_answers (
  key_hash bigint not null,
  company_id text not null,
  key text not null,
  request_sha256 text not null,
  status bigint not null,
  event_sequence bigint,
  body text,
  stored_at text not null
);

create index stored_answers_by_hash on stored_answers (key_hash);
