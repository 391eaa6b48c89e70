-- Where an event holds the same JSON as an answer, its place in the company's order is kept instead of the body.
alter table stored_answers add column event_sequence bigint;

-- The old answers are found by a walk in the order of the keys.
drop index stored_answers_by_time;
