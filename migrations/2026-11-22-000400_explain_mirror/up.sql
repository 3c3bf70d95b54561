-- By field: who set the value that both sides have, when, on which side, by which rule, and what it replaced.
alter table crm_mirrors add column provenance jsonb not null default '{}';

alter table crm_conflicts
  -- The desk's value in the desk's own words: the CRM's are coarser.
  add column desk_own text,
  -- A value that returned to what it was before our write: the CRM may have lost that write.
  add column suspected_lost_update boolean not null default false,
  add column decided_by text,
  add column decided_at timestamptz,
  add column restored_by text,
  add column restored_at timestamptz;
create index crm_conflicts_ticket on crm_conflicts (ticket_id, connection_id, id);

alter table crm_note_links
  -- What the CRM did not keep of the note's text: {"sent", "got"}.
  add column altered jsonb,
  -- When it was found that the note is no longer on the case.
  add column gone_at timestamptz;

-- What a probe found out about this CRM.
alter table crm_connections add column findings jsonb;
