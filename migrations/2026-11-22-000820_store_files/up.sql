-- Files that were sent here. Their bytes are in the object store, in parts that are written one after another.
create table files (
  id uuid primary key,
  -- Who sent it: until it is attached, only they may go on with it.
  owner_id uuid not null,
  name text not null check (name <> ''),
  media_type text not null check (media_type <> ''),
  -- Bytes that the object store has for good.
  size bigint not null default 0 check (size >= 0),
  -- Bytes that it is to have; unknown while a form is read, whose parts do not tell.
  length bigint check (length >= size),
  -- What the sender says that its SHA-256 is.
  expected_sha256 bytea check (octet_length(expected_sha256) = 32),
  -- Of the whole file: it is complete.
  sha256 bytea check (octet_length(sha256) = 32),
  -- The state of the hash function after `size` bytes: an upload goes on in another request, perhaps in another process.
  hashing bytea,
  -- Counts those who wrote: the latest has taken over from the others.
  fence integer not null default 0,
  created_at timestamptz not null,
  -- When it is forgotten; none once it is attached.
  expires_at timestamptz,
  constraint files_complete check (sha256 is null or (length = size and hashing is null)),
  constraint files_attached_complete check (expires_at is not null or sha256 is not null)
);
create index files_expiring on files (expires_at) where expires_at is not null;
create index files_unattached on files (owner_id) where expires_at is not null;

-- Objects of the object store. A row is there before its object is, and goes after it: whatever breaks off between, every object
-- is known, and the sweep removes those that belong to no file.
create table file_parts (
  -- The object's name.
  id uuid primary key,
  file_id uuid references files on delete set null,
  -- Where in the file it begins, and how long it is; none until it is stored.
  start_at bigint check (start_at >= 0),
  size bigint check (size > 0),
  -- When the object is removed; none once it is a part of a file.
  remove_at timestamptz,
  unique (file_id, start_at),
  check (num_nulls(start_at, size) in (0, 2)),
  check (start_at is not null or remove_at is not null)
);
create index file_parts_to_remove on file_parts (remove_at) where remove_at is not null;

-- However a file goes (it expires, or its draft is discarded), its parts become due with it.
create function free_file_parts() returns trigger language plpgsql as $$
begin
  update file_parts set remove_at = now() where file_id = old.id;
  return old;
end $$;
create trigger files_free_parts before delete on files for each row execute function free_file_parts();

alter table attachments
  alter column url drop not null,
  add column file_id uuid unique references files,
  -- Either a link to elsewhere or a file that is kept here.
  add constraint attachments_link_or_file check (num_nonnulls(url, file_id) = 1);

create function forget_attached_file() returns trigger language plpgsql as $$
begin
  delete from files where id = old.file_id;
  return null;
end $$;
create trigger attachments_forget_file after delete on attachments
  for each row when (old.file_id is not null) execute function forget_attached_file();

-- Attachments that a note refers to; those of its ticket.
alter table notes add column attachment_ids uuid[] not null default '{}';
