-- Where a company's events are sent. Secrets are sealed with a key that is not here.
create table webhook_endpoints (
  company_id text not null references companies (id),
  id text not null,
  url text not null,
  description text,
  topics text not null,
  is_enabled text not null,
  secret bytes not null,
  old_secret bytes,
  old_secret_until text,
  created_at text not null,
  updated_at text not null,
  primary key (company_id, id)
);

-- How far an endpoint has come in its company's events, and who is at it; beside the endpoint, whose row stays still.
create table webhook_places (
  company_id text not null,
  endpoint_id text not null,
  sequence bigint not null,
  is_enabled text not null,
  is_resting text not null,
  due_at text,
  failing_since text,
  lease_id text,
  leased_until text,
  primary key (company_id, endpoint_id),
  foreign key (company_id, endpoint_id) references webhook_endpoints (company_id, id)
);

-- What became of events that were tried, or wait behind one that was.
create table webhook_deliveries (
  company_id text not null,
  endpoint_id text not null,
  event_sequence bigint not null,
  id text not null,
  event_id text not null,
  event_type text not null,
  resource_id text not null,
  status text not null,
  attempt_count bigint not null,
  first_attempt_at text,
  last_attempt_at text,
  next_attempt_at text,
  delivered_at text,
  duration_ms bigint,
  response_status bigint,
  error_code text,
  error_message text,
  primary key (company_id, endpoint_id, event_sequence),
  unique (company_id, id)
);

create index webhook_deliveries_pending on webhook_deliveries (company_id, endpoint_id, event_sequence)
  where status = 'pending';
