-- POST /v1/tickets: route, check, lock the candidates, insert the ticket, the decision and the event. The agent is any of
-- the candidates: pgbench cannot look for the least loaded one.
\set row :base + :client_id * 10000000 + :count
\set count :count + 1
\set account random(1, 200)
\set product 1
\set component random(1, 16)
\set department 1 + :component % 8
\set agent (:component - 1) % 8 + 1 + 8 * random(0, 9) + 80 * ((:component - 1) / 8)
BEGIN;
SELECT "components"."id", "components"."name", "products"."name", "components"."level", "processes"."key",
  "processes"."name", "processes"."steps", "departments"."id", "departments"."name", "workflows"."id",
  "workflows"."key", "workflows"."name", "workflows"."revision", (SELECT "routing_head"."version" FROM
  "routing_head" LIMIT 1) FROM (((("components" INNER JOIN "products" ON ("components"."product_id" =
  "products"."id")) INNER JOIN "departments" ON ("components"."department_id" = "departments"."id")) INNER JOIN
  "workflows" ON ("workflows"."id" = coalesce((select t.workflow_id from ticket_types t where t.key = 'question'),
  departments.workflow_id))) LEFT OUTER JOIN "processes" ON ("components"."process" = "processes"."key")) WHERE
  ("components"."active" AND ("components"."id" = lpad(:component, 32, '0')::uuid)) ORDER BY "components"."id" LIMIT
  2
\gset route_
SELECT EXISTS (SELECT "accounts"."id", "accounts"."name", "accounts"."active", "accounts"."version",
  "accounts"."created_at", "accounts"."updated_at", "accounts"."manager_name", "accounts"."manager_email" FROM
  "accounts" WHERE (("accounts"."id" = lpad(:account, 32, '0')::uuid) AND "accounts"."active")), EXISTS (SELECT
  "contact_accounts"."contact_id", "contact_accounts"."account_id", "contacts"."id", "contacts"."name",
  "contacts"."email", "contacts"."phone", "contacts"."language", "contacts"."time_zone", "contacts"."active",
  "contacts"."version", "contacts"."created_at", "contacts"."updated_at" FROM ("contact_accounts" INNER JOIN
  "contacts" ON ("contact_accounts"."contact_id" = "contacts"."id")) WHERE ((("contact_accounts"."account_id" =
  lpad(:account, 32, '0')::uuid) AND ("contact_accounts"."contact_id" = null)) AND "contacts"."active")), EXISTS
  (SELECT "account_products"."account_id", "account_products"."product_id", "products"."id", "products"."name",
  "products"."active", "products"."version", "products"."created_at", "products"."updated_at" FROM
  ("account_products" INNER JOIN "products" ON ("account_products"."product_id" = "products"."id")) WHERE
  ((("account_products"."account_id" = lpad(:account, 32, '0')::uuid) AND ("account_products"."product_id" =
  lpad(:product, 32, '0')::uuid)) AND "products"."active"));
SELECT "agents"."id", "agents"."name", "agents"."product_ids", "agents"."category_ids", "agents"."type_keys",
  "agents"."time_zone", "agents"."working_hours", "agents"."capacity", "agents"."away", "agents"."leave_until",
  "agents"."leaves", "agents"."open_tickets", "agents"."active", (("agents"."active" AND ("agents"."id" = ANY(SELECT
  "agent_departments"."agent_id" FROM "agent_departments" WHERE ("agent_departments"."department_id" =
  lpad(:department, 32, '0')::uuid)))) AND ("agents"."levels" @> array[:route_level])), EXISTS (SELECT
  "appointments"."id", "appointments"."ticket_id", "appointments"."agent_id", "appointments"."starts_at",
  "appointments"."ends_at", "appointments"."time_zone", "appointments"."note", "appointments"."remind_minutes",
  "appointments"."remind_at", "appointments"."check_at", "appointments"."cancelled_at", "appointments"."made_by",
  "appointments"."made_by_name", "appointments"."version", "appointments"."created_at", "appointments"."updated_at"
  FROM "appointments" WHERE (((("appointments"."agent_id" = "agents"."id") AND ("appointments"."cancelled_at" IS
  NULL)) AND ("appointments"."ends_at" > now())) AND ("appointments"."starts_at" <= now()))) FROM "agents" WHERE
  ((("agents"."active" AND ("agents"."id" = ANY(SELECT "agent_departments"."agent_id" FROM "agent_departments" WHERE
  ("agent_departments"."department_id" = lpad(:department, 32, '0')::uuid)))) AND ("agents"."levels" @>
  array[:route_level])) OR ("agents"."id" = ANY('{}'))) ORDER BY "agents"."id" FOR NO KEY UPDATE;
INSERT INTO "tickets" ("id", "workflow_id", "status", "category", "subject", "description", "url", "priority",
  "priority_manual", "type_key", "account_id", "contact_id", "product_id", "category_id", "component_id",
  "department_id", "level", "assignee_id", "deadline", "sla_policy_id", "source", "external_id", "tags", "opened_by",
  "opened_by_role", "submitted_at", "automatic_at", "routing_version", "created_at", "updated_at") VALUES
  (lpad(:row, 32, '0')::uuid, :route_id, '010', 'new', :subject, :description, null, 2, 'false', 'question',
  lpad(:account, 32, '0')::uuid, null, lpad(:product, 32, '0')::uuid, null, lpad(:component, 32, '0')::uuid,
  lpad(:department, 32, '0')::uuid, :route_level, lpad(:agent, 32, '0')::uuid, null, null, 'api', null, '{}', :caller,
  'agent', now(), now(), :route_version, now(), now()) RETURNING "tickets"."number";
INSERT INTO "assignments" ("id", "ticket_id", "agent_id", "previous_agent_id", "rule", "reason", "candidates",
  "decided_by", "decided_by_name", "decided_at", "overridden") VALUES (lpad(:row, 32, '0')::uuid, lpad(:row, 32, '0')::uuid, lpad(:agent, 32, '0')::uuid,
  null, 'least_loaded', null, :candidates, :caller, :caller_name, now(), 'false');
INSERT INTO "events" ("type", "ticket_id", "ticket_version", "subject", "public", "actor_id", "actor_role",
  "actor_name", "origin", "changes", "data", "occurred_at") VALUES ('ticket.opened', lpad(:row, 32, '0')::uuid, 1,
  :event_subject, 'true', :caller, 'agent', :caller_name, 'api', :changes, :data, now());
COMMIT;
