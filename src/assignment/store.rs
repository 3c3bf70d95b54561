//! Queries of the recorded decisions.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::rules::Rule;
use crate::db::rewrite;
use crate::db::schema::assignments;
use crate::kernel::{AgentId, AssignmentId, Erasure, TicketId};

/// One recorded decision. Nulls are sent as such: with `DEFAULT` in their place the statement would be another one each
/// time, which diesel does not keep prepared.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = assignments, check_for_backend(diesel::pg::Pg), treat_none_as_default_value = false)]
pub struct Assignment {
    pub id: AssignmentId,
    pub ticket_id: TicketId,
    pub agent_id: Option<AgentId>,
    pub previous_agent_id: Option<AgentId>,
    pub rule: Rule,
    pub reason: Option<String>,
    pub candidates: Value,
    pub decided_by: Uuid,
    pub decided_by_name: String,
    pub decided_at: DateTime<Utc>,
    pub overridden: bool,
}

pub fn insert(conn: &mut PgConnection, assignment: &Assignment) -> QueryResult<usize> {
    diesel::insert_into(assignments::table).values(assignment).execute(conn)
}

/// The decisions about a ticket, latest first.
pub fn of_ticket(
    conn: &mut PgConnection,
    ticket: TicketId,
    limit: i64,
) -> QueryResult<Vec<Assignment>> {
    assignments::table
        .filter(assignments::ticket_id.eq(ticket))
        .order(assignments::id.desc())
        .limit(limit)
        .select(Assignment::as_select())
        .load(conn)
}

/// Takes a secret out of the reasons that were given for decisions about a ticket.
pub fn erase(conn: &mut PgConnection, ticket: TicketId, erasure: &Erasure) -> QueryResult<()> {
    let reasons: Vec<(AssignmentId, String)> = assignments::table
        .filter(assignments::ticket_id.eq(ticket))
        .filter(assignments::reason.is_not_null())
        .select((assignments::id, assignments::reason.assume_not_null()))
        .load(conn)?;
    let erased =
        reasons.into_iter().filter_map(|(id, reason)| Some((id.0, erasure.text(&reason)?)));
    rewrite(conn, ("assignments", "reason"), erased)?;
    Ok(())
}

/// When each of these tickets was decided about last.
pub fn decided_at(
    conn: &mut PgConnection,
    tickets: &[TicketId],
) -> QueryResult<Vec<(TicketId, DateTime<Utc>)>> {
    assignments::table
        .filter(assignments::ticket_id.eq_any(tickets))
        .distinct_on(assignments::ticket_id)
        .order((assignments::ticket_id, assignments::id.desc()))
        .select((assignments::ticket_id, assignments::decided_at))
        .load(conn)
}
