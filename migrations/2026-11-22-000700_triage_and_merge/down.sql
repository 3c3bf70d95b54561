update tickets set level = 'L2' where level = 'third_line';
alter table tickets
  drop constraint tickets_level_check,
  add constraint tickets_level_check check (level in ('L1', 'L2', 'external')),
  drop column severity,
  drop column impact,
  drop column priority_manual,
  drop column merged_into;
update agents set levels = array_remove(levels, 'third_line');
alter table agents
  drop constraint agents_levels_check,
  add constraint agents_levels_check check (levels <@ array['L1', 'L2', 'external']);
