drop table elevations, assignments, notes, tickets;
drop function refuse_change, keep_agent_load, counts_as_open;
drop sequence ticket_number;
