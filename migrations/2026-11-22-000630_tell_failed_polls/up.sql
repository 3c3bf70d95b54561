-- Why the CRM refuses to tell its changes, and since when; both null once it tells them.
alter table crm_connections
  add column poll_error text,
  add column poll_refused_since timestamptz,
  add constraint crm_connections_poll_refused check ((poll_error is null) = (poll_refused_since is null));
