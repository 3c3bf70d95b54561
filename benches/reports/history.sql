-- The histories of the tickets that the large desk has, as its log and its clocks would hold them: submitted and given to somebody, answered (nine
-- in ten), closed and one in twenty opened and closed again. Triggers are off, as for the tickets.
set session_replication_role = replica;
set synchronous_commit = off;

-- What the seed data told.
delete from events;
insert into events (position, type, ticket_id, ticket_version, subject, public, actor_id, actor_role, actor_name, origin, changes, data, occurred_at)
  select row_number() over (order by at, n, happened.version), type, t.id, happened.version, 'ticket/' || t.id, true, id(1), 'agent', 'Agent', 'api', changes, data, at
    from (select t.*, row_number() over (order by created_at) as n, t.closed_at is not null and random() < 0.05 as again from tickets t) t
   cross join lateral (values
     (1, 'ticket.opened', t.created_at, true,
      jsonb_build_object('status', jsonb_build_object('from', null, 'to', '020'), 'assignee_id', jsonb_build_object('from', null, 'to', t.assignee_id)), '{}'::jsonb),
     (2, 'ticket.note_added', t.created_at + random() * interval '1 day', t.n % 10 <> 0, '{}', '{"note_visibility": "public"}'),
     (3, 'ticket.status_changed', t.closed_at, t.closed_at is not null, '{"status": {"from": "020", "to": "050"}}', '{}'),
     (4, 'ticket.status_changed', t.closed_at + interval '1 day', t.again, '{"status": {"from": "050", "to": "017"}}', '{}'),
     (5, 'ticket.status_changed', t.closed_at + interval '2 days', t.again, '{"status": {"from": "017", "to": "050"}}', '{}')
   ) happened (version, type, at, is_so, changes, data)
   where is_so;
-- Those that are written to while reports are at work.
update tickets set version = 5 where id in (select id(100 * n) from generate_series(1, (select count(*) from tickets) / 100) n);
update event_feed set last_position = (select max(position) from events);

insert into sla_tickets (ticket_id, applied_version, revision, open, account_id)
  select id, 5, (select revision from sla_revision), false, account_id from tickets
  on conflict (ticket_id) do update set applied_version = excluded.applied_version, revision = excluded.revision, open = excluded.open;
insert into sla_clocks (ticket_id, metric, cycle, state, started_at, ended_at, policy_id, policy_version, calendar_id, calendar_version, due_at, breached_at)
  select t.id, metric, 1, case when ended is null then 'running' else 'fulfilled' end, t.created_at, ended, p.policy_id, p.version,
         c.calendar_id, c.version, t.created_at + within, case when ended > t.created_at + within then t.created_at + within end
    from tickets t
   cross join lateral (values
     ('first_response', t.created_at + random() * interval '1 day', interval '18 hours'),
     ('resolution', t.closed_at, interval '3 days')) clocks (metric, ended, within)
   cross join (select * from sla_policy_versions limit 1) p
   cross join (select * from calendar_versions limit 1) c;
insert into surveys (id, ticket_id, closed_at, account_id, department_id, agent_id, contact_id, asked_at, expires_at, rating, answered_at, changed_at)
  select gen_random_uuid(), t.id, t.closed_at, t.account_id, t.department_id, t.assignee_id, (select id from contacts limit 1), t.closed_at,
         t.closed_at + interval '30 days', rating, case when rating is not null then t.closed_at end, case when rating is not null then t.closed_at end
    from tickets t cross join lateral (select case when random() < 0.3 and t.id is not null then 1 + (random() * 4)::int end) answered (rating)
   where t.closed_at is not null;
insert into time_entries (id, ticket_id, agent_id, minutes, chargeable, work_date, created_at, updated_at)
  select gen_random_uuid(), t.id, coalesce(t.assignee_id, id(1)), 1 + (random() * 90)::int, random() < 0.5, t.created_at::date, t.created_at, t.created_at
    from tickets t where random() < 0.5;

set session_replication_role = default;
