-- POST /v1/tickets/{id}/transitions: to and fro between 031 and 040
\set ticket random(50001, 100000)
BEGIN;
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
  tickets.account_id = any('{}')) and (tickets.deleted_at is null or 'false')) LIMIT 1 FOR NO KEY UPDATE
\gset
\set to 71 - :status
\set next :version + 1
UPDATE "tickets" SET "workflow_id" = :workflow_id, "status" = lpad(:to, 3, '0'), "category" = :category, "subject" =
  :subject, "description" = :description, "url" = null, "priority" = :priority, "priority_manual" =
  :priority_manual, "severity" = null, "impact" = null, "type_key" = :type_key, "account_id" = :account_id,
  "contact_id" = null, "product_id" = :product_id, "category_id" = null, "component_id" = :component_id,
  "department_id" = :department_id, "level" = :level, "assignee_id" = :assignee_id, "handed_over_by" = null,
  "deadline" = null, "sla_policy_id" = null, "tags" = :tags, "resolution" = null, "vendor_reference" = null, "merged_into" = null,
  "routing_version" = null, "merged_count" = :merged_count, "note_count" = :note_count, "reopen_count" =
  :reopen_count, "submitted_at" = :submitted_at, "closed_at" = null, "deleted_at" = null, "automatic_at" = null,
  "version" = :next, "updated_at" = now() WHERE ("tickets"."id" = lpad(:ticket, 32, '0')::uuid);
INSERT INTO "events" ("type", "ticket_id", "ticket_version", "subject", "public", "actor_id", "actor_role",
  "actor_name", "origin", "changes", "data", "occurred_at") VALUES ('ticket.status_changed',
  lpad(:ticket, 32, '0')::uuid, :next, :event_subject, 'true', :caller, 'agent', :caller_name, 'api', :changes,
  :data, now());
COMMIT;
