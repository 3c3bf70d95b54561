-- The workflow of the tickets of this type; null: that of the department.
alter table ticket_types
  add column workflow_id uuid references workflows,
  add column version integer not null default 1;
