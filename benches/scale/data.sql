-- A desk of {tickets} tickets that has been at work for three years. Triggers are off while the data
-- is loaded; what they would write is written here.
set session_replication_role = replica;
set synchronous_commit = off;
set maintenance_work_mem = '512MB';

create function id(number bigint) returns uuid language sql immutable as $$ select lpad(number::text, 32, '0')::uuid $$;
-- A word of 20,000, by Zipf's law: the tenth is in a tenth of all tickets.
create function word() returns text language sql volatile as $$ select 'word' || (20000 * power(random(), 3))::int $$;

-- A customer has 500 tickets when all have them alike, at any size of the desk but the smallest.
insert into accounts (id, name) select id(n), 'Account ' || n from generate_series(1, greatest(20, {tickets} / 500)) n;
insert into products (id, name) values (id(1), 'Product');
insert into departments (id, name, workflow_id)
  select id(n), 'Department ' || n, (select id from workflows where key = 'consultancy') from generate_series(1, 7) n;
insert into agents (id, name, email, role, levels, capacity)
  select id(n), 'Agent ' || n, n || '@desk.example', 'agent', '{L1}', 1000000 from generate_series(1, greatest(20, {tickets} / 500)) n;
insert into agent_departments select id(n), id(1 + n % 7) from generate_series(1, greatest(20, {tickets} / 500)) n;

drop index ticket_texts_words, ticket_texts_pairs;
-- One in twenty is open, 5,000 at least, so that pages are full. Nobody has one in ten of these, and one in ten is not triaged.
-- The contact's account has 500.
insert into tickets (id, workflow_id, status, category, subject, description, priority, severity, impact, account_id, contact_id,
    product_id, department_id, level, assignee_id, deadline, source, tags, opened_by, opened_by_role, reopen_count, submitted_at,
    closed_at, created_at, updated_at)
  select id(n), w.id,
         case when not open then '050' when unassigned then '012' else (array['020', '030', '031', '040', '035', '013'])[kind] end,
         case when not open then 'closed' when unassigned then 'new' when kind > 4 then 'pending' else 'open' end,
         word() || ' ' || word() || ' ref' || n,
         (select string_agg(word(), ' ') from generate_series(1, 40) where n > 0),
         1 + (random() * 3.99)::int % 4, case when not untriaged then 1 + n % 4 end, case when not untriaged then 1 + n % 4 end,
         case when mine then (select id from accounts where name = 'Northwind Services') else id(1 + n % customers) end,
         case when mine then (select id from contacts where name = 'Purchasing contact') end,
         id(1), case place when 0 then support.id else id(place) end, 'L1',
         case when unassigned then null when place = 0 and n > {tickets} - 200 then me.id else id(1 + n % customers) end,
         case when open and random() < 0.4 then now() + (random() * 4 - 2) * interval '1 day' end, 'api',
         case when random() < 0.15 then '{export}' else '{}'::text[] end, id(1 + n % 5000), 'integration',
         case when random() < 0.1 then 1 else 0 end, at, case when not open then at + interval '2 days' end, at,
         case when open then now() - random() * interval '1 day' else at + interval '2 days' end
    from generate_series(1, {tickets}) n
    cross join lateral (select n > {tickets} - greatest(5000, {tickets} / 20), random() < 0.1, random() < 0.1, (random() * 8)::int % 8, 1 + (random() * 6)::int % 6,
                               greatest(20, {tickets} / 500)) drawn(open, unassigned, untriaged, place, kind, customers)
    cross join lateral (select n % customers = 8) whose(mine)
    -- Three years of tickets.
    cross join lateral (select now() - interval '3 years' * (1 - n::float8 / {tickets})) times(at)
    cross join (select id from workflows where key = 'consultancy') w
    cross join (select id from departments where name = 'Support') support
    cross join (select id from agents where email = 'l1-a@desk.example') me
   order by n;
insert into notes (id, ticket_id, seq, visibility, channel, author_id, author_role, author_name, body, created_at)
  select gen_random_uuid(), id(n), 1, case when n % 2 = 0 then 'public' else 'internal' end, 'api', id(1), 'agent', 'Agent',
         (select string_agg(word(), ' ') from generate_series(1, 20) where n > 0), now()
    from generate_series(1, {tickets}, 4) n;
insert into ticket_texts (ticket_id, created_at, department_id, words, pairs)
  select t.id, t.created_at, t.department_id, ticket_head(t) || coalesce(weighed(n.body, note_weight(n.visibility)), ''),
         ticket_pairs(t) || text_pairs(n.body)
    from tickets t left join notes n on n.ticket_id = t.id order by t.created_at on conflict do nothing;
create index ticket_texts_words on ticket_texts using gin (words) with (gin_pending_list_limit = 256);
create index ticket_texts_pairs on ticket_texts using gin (pairs) with (gin_pending_list_limit = 256);
update agents a set open_tickets = counted.open
  from (select assignee_id, count(*) open from tickets where category in ('new', 'open', 'pending') group by assignee_id) counted
 where a.id = counted.assignee_id;

-- As their clocks would have said: one in twenty of the open ones is late, as many of the closed ones were.
insert into sla_tickets (ticket_id, account_id, open, standing, metric, due_at)
  select id, account_id, category <> 'closed', case category when 'closed' then case when random() < 0.05 then 'breached' else 'met' end
           when 'pending' then 'paused' else 'running' end, case when category in ('new', 'open') then 'resolution' end,
         case when category in ('new', 'open') then now() + (random() * 100 - 5) * interval '1 hour' end
    from tickets on conflict (ticket_id) do update set open = excluded.open, standing = excluded.standing, metric = excluded.metric, due_at = excluded.due_at;

set session_replication_role = default;
