-- How a ticket stands to what was promised, as its clocks said last: for lists. Whether it is late, the reader's time decides.
alter table sla_tickets
  add column standing text not null default 'none'
    check (standing in ('none', 'running', 'paused', 'met', 'breached')),
  -- What is due next of the clocks that have not ended, and which of them that is.
  add column due_at timestamptz,
  add column metric text check (metric in ('first_response', 'next_response', 'resolution'));

-- Every ticket has a row, so that a list in the order of what is due holds all of them.
insert into sla_tickets (ticket_id, account_id)
  select id, account_id from tickets on conflict (ticket_id) do nothing;
create function begin_service_levels() returns trigger language plpgsql as $$
begin
  insert into sla_tickets (ticket_id) values (new.id);
  return null;
end $$;
create trigger tickets_service_levels after insert on tickets
  for each row execute function begin_service_levels();

-- Those whose standing is not known yet are derived; the closed ones from their histories.
update sla_tickets set stale_since = coalesce(stale_since, now())
 where ticket_id in (select id from tickets where category <> 'draft');

create index sla_tickets_due on sla_tickets
  (coalesce(due_at, timestamptz '9999-12-31 00:00:00+00'), ticket_id);
create index sla_tickets_standing on sla_tickets (standing, ticket_id) where open;
create index sla_tickets_breached on sla_tickets (ticket_id) where standing = 'breached';
