-- GET /v1/tickets/{id}
\set ticket random(1, 100000)
SELECT "tickets"."id", "tickets"."number", "tickets"."workflow_id", "tickets"."status", "tickets"."category",
  "tickets"."subject", "tickets"."url", "tickets"."priority", "tickets"."priority_manual", "tickets"."severity",
  "tickets"."impact", "tickets"."type_key", "tickets"."account_id", "tickets"."contact_id", "tickets"."product_id",
  "tickets"."category_id", "tickets"."component_id", "tickets"."department_id", "tickets"."level",
  "tickets"."assignee_id", "tickets"."handed_over_by", "tickets"."deadline", "tickets"."sla_policy_id",
  (select jsonb_build_object('standing', s.standing, 'metric', s.metric, 'due_at', s.due_at) from sla_tickets s
  where s.ticket_id = tickets.id), "tickets"."source",
  "tickets"."external_id", "tickets"."tags", "tickets"."opened_by", "tickets"."opened_by_role",
  "tickets"."vendor_reference", "tickets"."merged_into", "tickets"."routing_version", "tickets"."merged_count",
  "tickets"."note_count", "tickets"."reopen_count", "tickets"."submitted_at", "tickets"."closed_at",
  "tickets"."deleted_at", "tickets"."automatic_at", "tickets"."version", "tickets"."created_at",
  "tickets"."updated_at", "tickets"."description", "tickets"."resolution", (SELECT "workflows"."revision" FROM
  "workflows" WHERE ("workflows"."id" = "tickets"."workflow_id") LIMIT 1) FROM "tickets" WHERE (("tickets"."id" =
  lpad(:ticket, 32, '0')::uuid) AND (tickets.category <> 'draft' or tickets.opened_by = :caller) and ('false' or
  tickets.opened_by = :caller or tickets.department_id = any(:departments) or tickets.assignee_id = :caller or
  tickets.account_id = any('{}')) and (tickets.deleted_at is null or 'false')) LIMIT 1;
