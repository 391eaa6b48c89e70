-- Counts a series left out when it was told a higher next number: who did it and when explains the gap.
create table number_series_skips (
  company_id text not null,
  series_id text not null,
  year bigint not null,
  from_number bigint not null,
  to_number bigint not null,
  skipped_at text not null,
  actor_type text not null,
  actor_id text,
  primary key (company_id, series_id, year, from_number),
  foreign key (company_id, series_id) references number_series (company_id, id)
);
