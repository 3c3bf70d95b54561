-- How many tickets were merged into this one: where there is none, its own notes are the conversation.
alter table tickets
  add column merged_count integer not null default 0 check (merged_count >= 0),
  add constraint tickets_merged_closed
    check (merged_into is null or (category = 'closed' and automatic_at is null));

-- What a merged ticket was before, until the merge is undone.
create table ticket_merges (
  ticket_id uuid primary key references tickets,
  status text not null,
  resolution text,
  closed_at timestamptz,
  -- Something was sent to it and went on to the ticket that it was merged into: the merge stays.
  followed boolean not null default false
);

-- Tickets that belong together. Stored once: `from_id` is related to, a duplicate of, a child of, or follows up `to_id`.
create table ticket_links (
  id uuid primary key,
  kind text not null check (kind in ('related', 'duplicate_of', 'child_of', 'follow_up_of')),
  from_id uuid not null references tickets,
  to_id uuid not null references tickets,
  -- When the parent was closed, as long as the child has not been told.
  parent_closed_at timestamptz,
  linked_by uuid not null,
  linked_by_name text not null,
  linked_at timestamptz not null,
  check (from_id <> to_id)
);
create unique index ticket_links_pair on ticket_links (least(from_id, to_id), greatest(from_id, to_id), kind);
create unique index ticket_links_one_parent on ticket_links (from_id) where kind = 'child_of';
create index ticket_links_from on ticket_links (from_id, id);
create index ticket_links_to on ticket_links (to_id, id);
create index ticket_links_untold on ticket_links (parent_closed_at) where parent_closed_at is not null;

-- Whoever closes a parent, its children will be told.
create function remember_closed_parent() returns trigger language plpgsql as $$
begin
  update ticket_links set parent_closed_at = new.updated_at where to_id = new.id and kind = 'child_of';
  return null;
end $$;
create trigger remember_closed_parent after update on tickets
  for each row when (new.category = 'closed' and old.category <> 'closed') execute function remember_closed_parent();
