-- SQLite finds stored answers by places: a table in the order of their hashes that the writer fills in batches, and
-- what lies after the last batch. An index would have a page of its own written for each random key.
-- A place outlives a copy of the file, which a row's own number need not.
@sqlite create table answers (
  place bigint primary key,
  key_hash bigint not null,
  company_id text not null,
  key text not null,
  request_sha256 text not null,
  status bigint not null,
  event_sequence bigint,
  body text,
  stored_at text not null
);

@sqlite create table answer_places (
  key_hash bigint not null,
  place bigint not null,
  primary key (key_hash, place)
) without rowid;

-- All answers up to this place have theirs; it is never beyond the last, so that a new one lies after it.
@sqlite create table answers_placed (
  through bigint not null
);

@sqlite insert into answers (place, key_hash, company_id, key, request_sha256, status, event_sequence, body, stored_at)
  select rowid, key_hash, company_id, key, request_sha256, status, event_sequence, body, stored_at from stored_answers;

@sqlite insert into answer_places (key_hash, place) select key_hash, rowid from stored_answers order by key_hash;

@sqlite insert into answers_placed (through) select coalesce(max(rowid), 0) from stored_answers;

@sqlite drop table stored_answers;

@sqlite alter table answers rename to stored_answers;

-- Right on any connection; the writer has a quicker one of its own (answer_places.rs).
@sqlite create view answers_by_hash as
  select p.key_hash, a.company_id, a.key, a.request_sha256, a.status, a.event_sequence, a.body, a.stored_at, p.place
    from answer_places p cross join stored_answers a on a.place = p.place
    where p.place <= (select through from answers_placed)
  union all
  select key_hash, company_id, key, request_sha256, status, event_sequence, body, stored_at, place
    from stored_answers where place > (select through from answers_placed);

@sqlite create trigger answer_deleted instead of delete on answers_by_hash begin delete from stored_answers where place = old.place; end;

@sqlite create trigger answer_changed instead of update on answers_by_hash begin update stored_answers set body = new.body where place = old.place; end;

@sqlite create trigger answer_gone after delete on stored_answers begin delete from answer_places where key_hash = old.key_hash and place = old.place; update answers_placed set through = (select coalesce(max(place), 0) from stored_answers) where through > (select coalesce(max(place), 0) from stored_answers); end;

@postgres create view answers_by_hash as
  select key_hash, company_id, key, request_sha256, status, event_sequence, body, stored_at from stored_answers;
