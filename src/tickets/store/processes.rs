//! The processes that tickets follow, each as it was when the ticket was routed.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::catalog::StepCheck;
use crate::db::schema::{process_steps, ticket_processes};
use crate::kernel::TicketId;

/// The process that a ticket follows.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = ticket_processes, check_for_backend(diesel::pg::Pg))]
pub struct Attached {
    pub ticket_id: TicketId,
    /// The key of the process.
    pub process: String,
    pub name: String,
    pub attached_at: DateTime<Utc>,
    /// The ticket's last note at that time.
    pub after_note: i32,
}

/// A step of it, and what the person said who did it.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = process_steps, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct Step {
    pub ticket_id: TicketId,
    pub step: i32,
    pub task: String,
    #[diesel(column_name = check_word)]
    pub check: StepCheck,
    pub done_at: Option<DateTime<Utc>>,
    pub done_by: Option<Uuid>,
    pub done_by_name: Option<String>,
    pub reference: Option<String>,
}

pub fn attach(conn: &mut PgConnection, process: &Attached, steps: &[Step]) -> QueryResult<()> {
    diesel::insert_into(ticket_processes::table).values(process).execute(conn)?;
    diesel::insert_into(process_steps::table).values(steps).execute(conn)?;
    Ok(())
}

/// The ticket follows no process any more; its steps go with it.
pub fn detach(conn: &mut PgConnection, ticket: TicketId) -> QueryResult<usize> {
    diesel::delete(ticket_processes::table.find(ticket)).execute(conn)
}

/// The process and its steps in order; a process has few.
pub fn attached(
    conn: &mut PgConnection,
    ticket: TicketId,
) -> QueryResult<Option<(Attached, Vec<Step>)>> {
    let process = ticket_processes::table.find(ticket).select(Attached::as_select());
    let Some(process) = process.first(conn).optional()? else { return Ok(None) };
    let steps = process_steps::table
        .filter(process_steps::ticket_id.eq(ticket))
        .order(process_steps::step)
        .limit(100)
        .select(Step::as_select())
        .load(conn)?;
    Ok(Some((process, steps)))
}

/// Writes what a person says about a step. Call it with the ticket locked.
pub fn mark(conn: &mut PgConnection, step: &Step) -> QueryResult<usize> {
    diesel::update(process_steps::table.find((step.ticket_id, step.step))).set(step).execute(conn)
}
