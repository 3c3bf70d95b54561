-- {clocks} open clocks: two for each ticket, of which one comes due every second from an hour ahead on. Triggers are off while the data
-- is loaded; what they would write is written here.
set session_replication_role = replica;
set synchronous_commit = off;

create function id(number bigint) returns uuid language sql immutable as $$ select lpad(number::text, 32, '0')::uuid $$;

insert into sla_policies (id, name, rank, active, calendar_id, terms)
  select id(1), 'Measured', 0, true, id, jsonb_build_object('conditions', '{}'::jsonb, 'escalations', '[]'::jsonb, 'targets', jsonb_build_array(
           jsonb_build_object('metric', 'first_response', 'within', 'PT4H', 'time', 'calendar'),
           jsonb_build_object('metric', 'resolution', 'within', 'PT8H', 'time', 'calendar')))
    from calendars order by name limit 1;
insert into sla_policy_versions (policy_id, version, document, changed_by, changed_by_name, changed_at)
  select id, 1, to_jsonb(p) - 'terms' || terms, id(1), 'Benchmark', now() from sla_policies p where id = id(1);

insert into tickets (id, workflow_id, status, category, subject, description, account_id, product_id, department_id, level, source, opened_by,
    opened_by_role, submitted_at, created_at, updated_at)
  select id(n), w.id, '012', 'new', 'Ticket ' || n, 'Text', (select id from accounts order by name limit 1), (select id from products order by name limit 1),
         d.id, 'L1', 'api', id(1), 'integration', at, at, at
    from generate_series(1, {clocks} / 2) n
    cross join lateral (select now() - interval '3 hours' + n * interval '2 seconds') times(at)
    cross join (select id from workflows where key = 'consultancy') w
    cross join (select id from departments where is_default) d;

insert into sla_tickets (ticket_id, applied_version, revision, open, policy_id, standing, metric, due_at, facts)
  select t.id, 1, (select revision from sla_revision), true, id(1), 'running', 'first_response', t.created_at + interval '4 hours',
         jsonb_build_object('priority', 'normal', 'type_key', 'question', 'department_id', t.department_id, 'account_id', t.account_id, 'policy_id', null,
           'deadline', null, 'status', '012', 'state', 'running', 'state_since', t.created_at, 'merged', false, 'deleted', false, 'responded', false)
    from tickets t where t.subject like 'Ticket %';
insert into sla_ledger (ticket_id, seq, metric, cycle, kind, at, detail)
  select t.id, (place - 1) * 2 + line, metric, 1, case line when 1 then 'activated' else 'policy_changed' end, t.created_at,
         case line when 1 then '{"status": "012"}' else jsonb_build_object('basis', jsonb_build_object(
           'policy_id', p.id, 'policy_version', 1, 'calendar_id', p.calendar_id, 'calendar_version', c.version)) end
    from tickets t, sla_policies p join calendars c on c.id = p.calendar_id, generate_series(1, 2) line,
         (values (1, 'resolution'), (2, 'first_response')) metrics (place, metric)
   where p.id = id(1) and t.subject like 'Ticket %';
insert into sla_clocks (ticket_id, metric, cycle, state, started_at, policy_id, policy_version, calendar_id, calendar_version, due_at, check_at)
  select t.id, metric, 1, 'running', t.created_at, p.id, 1, p.calendar_id, c.version, t.created_at + within, t.created_at + within
    from tickets t, sla_policies p join calendars c on c.id = p.calendar_id,
         (values ('resolution', interval '8 hours'), ('first_response', interval '4 hours')) metrics (metric, within)
   where p.id = id(1) and t.subject like 'Ticket %';

set session_replication_role = default;
