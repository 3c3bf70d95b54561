-- A desk at work: 100,000 open tickets in eight departments. Ids are numbers in the form of a UUID, so that pgbench,
-- which knows no other type than numbers, can name any of them. Triggers are off while the data is loaded.
set session_replication_role = replica;

create function id(number bigint) returns uuid language sql immutable as $$ select lpad(number::text, 32, '0')::uuid $$;

insert into accounts (id, name) select id(n), 'Account ' || n from generate_series(1, 200) n;
insert into products (id, name) values (id(1), 'Product');
insert into account_products select id(n), id(1) from generate_series(1, 200) n;
insert into departments (id, name, workflow_id)
  select id(n), 'Department ' || n, (select id from workflows where key = 'consultancy') from generate_series(1, 8) n;
insert into components (id, product_id, name, level, department_id)
  select id(n), id(1), 'Component ' || n, case when n <= 8 then 'L1' else 'L2' end, id(1 + n % 8)
    from generate_series(1, 16) n;

-- Ten agents for each department and level.
insert into agents (id, name, email, role, levels, capacity)
  select id(n), 'Agent ' || n, n || '@desk.example', 'agent', array[case when n <= 80 then 'L1' else 'L2' end], 1000000
    from generate_series(1, 160) n;
insert into agent_departments select id(n), id(1 + n % 8) from generate_series(1, 160) n;
-- The agent who calls works in every department.
insert into agent_departments
  select a.id, d.id from agents a, departments d where a.email = 'l1-a@desk.example' on conflict do nothing;
update agents set levels = '{}' where email = 'l1-a@desk.example';

insert into tickets (id, workflow_id, status, category, subject, description, account_id, product_id, component_id,
    department_id, level, assignee_id, source, opened_by, opened_by_role, submitted_at, created_at, updated_at)
  select id(n), d.workflow_id, '031', 'open', 'Ticket ' || n, repeat('The export stops after some rows. ', 12),
         id(1 + n % 200), id(1), id(1 + n % 8), d.id, 'L1', id(1 + n % 80), 'api', id(1 + n % 80), 'agent', t, t, t
    from generate_series(1, 100000) n
    join departments d on d.id = id(1 + (1 + n % 8) % 8)
    cross join lateral (select now() - interval '1 minute' * (100001 - n)) at(t)
   order by n;
insert into ticket_texts (ticket_id, created_at, department_id, words, pairs)
  select t.id, t.created_at, t.department_id, ticket_head(t), ticket_pairs(t) from tickets t on conflict do nothing;
update agents a set open_tickets = (select count(*) from tickets t where t.assignee_id = a.id);

set session_replication_role = default;
