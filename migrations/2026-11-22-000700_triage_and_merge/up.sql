-- What triage found, 1 (worst) to 4 each; null until somebody looked. A priority that somebody chose by hand is kept.
alter table tickets
  add column severity smallint check (severity between 1 and 4),
  add column impact smallint check (impact between 1 and 4),
  add column priority_manual boolean not null default false,
  -- The ticket that this one was merged into: what is said here is said there.
  add column merged_into uuid references tickets check (merged_into <> id),
  drop constraint tickets_level_check,
  add constraint tickets_level_check check (level in ('L1', 'L2', 'third_line', 'external'));
create index tickets_merged on tickets (merged_into) where merged_into is not null;

alter table agents
  drop constraint agents_levels_check,
  add constraint agents_levels_check check (levels <@ array['L1', 'L2', 'third_line', 'external']);
