//! Single tickets, and those that are due.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::row::{Located, Ticket};
use crate::db::schema::{tickets, workflows};
use crate::kernel::{Actor, Permission, TicketId, Visibility};
use crate::workflow::Category;

/// The revision of the ticket's workflow, without a join that a lock would include.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn revision() -> _ {
    workflows::table
        .filter(workflows::id.eq(tickets::workflow_id))
        .select(workflows::revision)
        .single_value()
        .assume_not_null()
}

type Condition =
    Box<dyn BoxableExpression<tickets::table, diesel::pg::Pg, SqlType = diesel::sql_types::Bool>>;

/// What this caller may see; a part of every query. A draft is its author's alone.
pub(super) fn visible(actor: &Actor) -> Condition {
    let own_draft = tickets::category.ne(Category::Draft).or(tickets::opened_by.eq(actor.id));
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

/// A deleted ticket is there for those only who may restore it.
fn present(actor: &Actor) -> Condition {
    if actor.may(Permission::TicketsDelete) {
        return visible(actor);
    }
    Box::new(visible(actor).and(tickets::deleted_at.is_null()))
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

/// Locks up to `limit` tickets whose automatic transition is due; skips those that another process has.
pub fn automatic_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Located<Ticket>>> {
    tickets::table
        .filter(tickets::automatic_at.le(now))
        .order(tickets::automatic_at)
        .limit(limit)
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .skip_locked()
        .load(conn)
        .map(|rows: Vec<(Ticket, Uuid)>| rows.into_iter().map(located).collect())
}

/// Locks up to `limit` open tickets that nobody has, most urgent and then oldest first.
pub fn waiting(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<Located<Ticket>>> {
    tickets::table
        .filter(tickets::assignee_id.is_null())
        .filter(tickets::deleted_at.is_null())
        .filter(tickets::category.eq_any(Category::OPEN))
        .order((tickets::priority.desc(), tickets::created_at))
        .limit(limit)
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .skip_locked()
        .load(conn)
        .map(|rows: Vec<(Ticket, Uuid)>| rows.into_iter().map(located).collect())
}
