-- Answers are looked at in the order in which they lie in the file, which a walk by hash would read page by page.
-- Where SQLite's newest stand, the writer knows (answer_places.rs).
@sqlite drop view answers_by_hash;

@sqlite create view answers_by_hash as
  select p.key_hash, a.company_id, a.key, a.request_sha256, a.status, a.event_sequence, a.body, a.stored_at
    from answer_places p cross join stored_answers a on a.place = p.place;

@sqlite create view answers_in_order as
  select place, company_id, key, request_sha256, status, event_sequence, body, stored_at from stored_answers;

@sqlite create trigger answer_deleted instead of delete on answers_in_order begin delete from stored_answers where place = old.place; end;

@sqlite create trigger answer_changed instead of update on answers_in_order begin update stored_answers set body = new.body where place = old.place; end;

@postgres create view answers_in_order as
  select key_hash as place, company_id, key, request_sha256, status, event_sequence, body, stored_at from stored_answers;
