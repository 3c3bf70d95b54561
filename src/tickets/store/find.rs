//! Single tickets, and those that are due.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::row::{Located, Summary, Ticket};
use super::sql::{IsOpen, NotDraft, Present};
use crate::db::schema::{tickets, workflows};
use crate::kernel::{Actor, DepartmentId, Level, Permission, TicketId, Visibility};

/// The revision of the ticket's workflow, without a join that a lock would include.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn revision() -> _ {
    workflows::table
        .filter(workflows::id.eq(tickets::workflow_id))
        .select(workflows::revision)
        .single_value()
        .assume_not_null()
}

/// A condition on tickets.
pub(super) type Condition =
    Box<dyn BoxableExpression<tickets::table, diesel::pg::Pg, SqlType = diesel::sql_types::Bool>>;

/// A draft is its author's alone.
pub(super) fn no_foreign_draft(actor: &Actor) -> Condition {
    Box::new(NotDraft.or(tickets::opened_by.eq(actor.id)))
}

/// What this caller may see; a part of every query.
pub(super) fn visible(actor: &Actor) -> Condition {
    let own_draft = NotDraft.or(tickets::opened_by.eq(actor.id));
    match actor.visibility() {
        Visibility::All => Box::new(own_draft),
        Visibility::Departments(agent, departments) => Box::new(
            own_draft.and(
                tickets::department_id
                    .eq_any(departments)
                    .or(tickets::assignee_id.eq(agent).assume_not_null())
                    .or(tickets::opened_by.eq(actor.id)),
            ),
        ),
        Visibility::Accounts(_, accounts) => {
            let own = tickets::account_id.eq_any(accounts).assume_not_null();
            Box::new(own_draft.and(own.or(tickets::opened_by.eq(actor.id))))
        }
    }
}

/// The same as [`visible`], for a single ticket; a deleted one is there for those only who may restore it.
fn present(actor: &Actor) -> Present {
    let (sees_all, agent, departments, accounts) = match actor.visibility() {
        Visibility::All => (true, None, Vec::new(), Vec::new()),
        Visibility::Departments(agent, departments) => {
            (false, Some(agent.0), departments, Vec::new())
        }
        Visibility::Accounts(_, accounts) => (false, None, Vec::new(), accounts),
    };
    Present {
        caller: actor.id,
        sees_all,
        departments: departments.into_iter().map(|id| id.0).collect(),
        agent,
        accounts: accounts.into_iter().map(|id| id.0).collect(),
        may_restore: actor.may(Permission::TicketsDelete),
    }
}

fn located((row, revision): (Ticket, Uuid)) -> Located<Ticket> {
    Located { row, revision }
}

pub fn find(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> QueryResult<Option<Located<Ticket>>> {
    tickets::table
        .filter(tickets::id.eq(id))
        .filter(present(actor))
        .select((Ticket::as_select(), revision()))
        .first(conn)
        .optional()
        .map(|found| found.map(located))
}

/// Locks the row, so that the rule is decided on what will be written.
pub fn lock(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> QueryResult<Option<Located<Ticket>>> {
    tickets::table
        .filter(tickets::id.eq(id))
        .filter(present(actor))
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .first(conn)
        .optional()
        .map(|found| found.map(located))
}

/// Locks the ticket whose automatic transition is due the longest, of those that no other process has.
pub fn lock_automatic_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> QueryResult<Option<Located<Ticket>>> {
    tickets::table
        .filter(tickets::automatic_at.le(now))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::automatic_at)
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .optional()
        .map(|found| found.map(located))
}

/// Where open tickets wait that nobody has.
pub fn waiting_pools(conn: &mut PgConnection) -> QueryResult<Vec<(DepartmentId, Level)>> {
    tickets::table
        .filter(tickets::assignee_id.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen)
        .select((tickets::department_id, tickets::level))
        .distinct()
        .load(conn)
}

/// Up to `limit` of the tickets that wait there, most urgent and then oldest first.
pub fn waiting(
    conn: &mut PgConnection,
    department: DepartmentId,
    level: Level,
    limit: i64,
) -> QueryResult<Vec<Summary>> {
    tickets::table
        .filter(tickets::department_id.eq(department))
        .filter(tickets::level.eq(level))
        .filter(tickets::assignee_id.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen)
        .order((tickets::priority.desc(), tickets::created_at))
        .limit(limit)
        .select(Summary::as_select())
        .load(conn)
}

/// Locks a ticket that still waits, unless another process has it.
pub fn lock_waiting(conn: &mut PgConnection, id: TicketId) -> QueryResult<Option<Located<Ticket>>> {
    tickets::table
        .filter(tickets::id.eq(id))
        .filter(tickets::assignee_id.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(IsOpen)
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .optional()
        .map(|found| found.map(located))
}
