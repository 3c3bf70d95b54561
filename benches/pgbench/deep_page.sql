-- GET /v1/tickets?category=active&cursor=...
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
  "tickets"."updated_at", (SELECT "workflows"."revision" FROM "workflows" WHERE ("workflows"."id" =
  "tickets"."workflow_id") LIMIT 1) FROM "tickets" WHERE (((((("tickets"."category" != 'draft') OR
  ("tickets"."opened_by" = :caller)) AND ((("tickets"."department_id" = ANY(:departments)) OR
  ("tickets"."assignee_id" = :caller)) OR ("tickets"."opened_by" = :caller))) AND ("tickets"."deleted_at" IS NULL))
  AND tickets.category in ('new', 'open', 'pending', 'on_hold')) AND (tickets.created_at, tickets.id) < (timestamptz
  '1970-01-01 00:00:00+00' + interval '1 microsecond' * :micros::bigint, :id)) ORDER BY "tickets"."created_at" DESC,
  "tickets"."id" DESC LIMIT 51;
