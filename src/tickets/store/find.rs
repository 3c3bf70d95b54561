//! Single tickets, and those that are due.
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error;

use super::row::{Located, Ticket};
use super::sql::{NotDraft, Present};
use crate::db::schema::{ticket_watchers, tickets, workflows};
use crate::kernel::{Actor, AgentId, ContactId, Permission, TicketId, Visibility, WorkflowId};
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

/// A condition on tickets.
pub type Condition =
    Box<dyn BoxableExpression<tickets::table, diesel::pg::Pg, SqlType = diesel::sql_types::Bool>>;

/// A draft is its author's alone.
pub(super) fn no_foreign_draft(actor: &Actor) -> Condition {
    Box::new(NotDraft.or(tickets::opened_by.eq(actor.id)))
}

/// What this caller may see; a part of every query.
pub fn visible(actor: &Actor) -> Condition {
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
pub(super) fn present(actor: &Actor) -> Present {
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

/// The ticket with this number, if this contact takes part in it: it is about them, they opened it, or they watch it.
pub fn of_participant(
    conn: &mut PgConnection,
    number: i64,
    contact: ContactId,
) -> QueryResult<Option<TicketId>> {
    let watched = ticket_watchers::table
        .filter(ticket_watchers::ticket_id.eq(tickets::id))
        .filter(ticket_watchers::contact_id.eq(contact));
    let theirs = tickets::contact_id.eq(contact).assume_not_null();
    let opened = tickets::opened_by.eq(contact.0);
    tickets::table
        .filter(tickets::number.eq(number).and(NotDraft))
        .filter(theirs.or(opened).or(diesel::dsl::exists(watched)))
        .select(tickets::id)
        .first(conn)
        .optional()
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
}

/// Locks two tickets at once. Who waits for one of them does not hold the other: so nobody waits in a circle, in whatever
/// order those come who follow merges from ticket to ticket.
pub fn lock_pair(
    conn: &mut PgConnection,
    actor: &Actor,
    ids: [TicketId; 2],
) -> QueryResult<Vec<Located<Ticket>>> {
    let [mut first, mut second] = ids;
    if first == second {
        return Ok(lock(conn, actor, first)?.into_iter().collect());
    }
    loop {
        let locked = conn.transaction(|conn| {
            let Some(one) = lock(conn, actor, first)? else {
                return Ok(lock(conn, actor, second)?.into_iter().collect());
            };
            match lock_free(conn, actor, second)? {
                None if find(conn, actor, second)?.is_some() => Err(Error::RollbackTransaction),
                other => Ok([Some(one), other].into_iter().flatten().collect()),
            }
        });
        match locked {
            // Gave the first one back: the second one is waited for next.
            Err(Error::RollbackTransaction) => (first, second) = (second, first),
            locked => return locked,
        }
    }
}

/// As [`lock`], unless another transaction has it.
fn lock_free(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> QueryResult<Option<Located<Ticket>>> {
    tickets::table
        .filter(tickets::id.eq(id))
        .filter(present(actor))
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .optional()
}

/// Locks a ticket whoever may see it: another one, which the caller sees, leads to it.
pub fn lock_any(conn: &mut PgConnection, id: TicketId) -> QueryResult<Located<Ticket>> {
    tickets::table
        .find(id)
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .first(conn)
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
}

/// Locks the ticket whose customer's silence is due to be looked at the longest, of those that no other process has.
pub fn lock_silence_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> QueryResult<Option<Located<Ticket>>> {
    tickets::table
        .filter(tickets::silence_due_at.le(now))
        .filter(tickets::deleted_at.is_null())
        .order(tickets::silence_due_at)
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .optional()
}

/// Up to `limit` tickets that have this status, deleted ones too.
pub fn in_status(
    conn: &mut PgConnection,
    workflow: WorkflowId,
    status: &str,
    limit: i64,
) -> QueryResult<Vec<TicketId>> {
    tickets::table
        .filter(tickets::workflow_id.eq(workflow))
        .filter(tickets::status.eq(status))
        .order(tickets::id)
        .limit(limit)
        .select(tickets::id)
        .load(conn)
}

/// Locks a ticket if it still has this status, whoever may see it.
pub fn lock_in_status(
    conn: &mut PgConnection,
    id: TicketId,
    workflow: WorkflowId,
    status: &str,
) -> QueryResult<Option<Located<Ticket>>> {
    tickets::table
        .filter(tickets::id.eq(id))
        .filter(tickets::workflow_id.eq(workflow))
        .filter(tickets::status.eq(status))
        .select((Ticket::as_select(), revision()))
        .for_no_key_update()
        .first(conn)
        .optional()
}

/// What is watched of a ticket's deadline.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tickets, check_for_backend(diesel::pg::Pg))]
pub struct Watched {
    pub id: TicketId,
    pub category: Category,
    pub assignee_id: Option<AgentId>,
    pub deadline: Option<DateTime<Utc>>,
    pub deleted_at: Option<DateTime<Utc>>,
}

/// Takes the deadlines that have passed and that nobody noticed, of tickets that no other process has.
pub fn take_deadlines(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Watched>> {
    let due: Vec<TicketId> = tickets::table
        .filter(tickets::deadline_check_at.le(now))
        .order(tickets::deadline_check_at)
        .limit(limit)
        .for_no_key_update()
        .skip_locked()
        .select(tickets::id)
        .load(conn)?;
    diesel::update(tickets::table.filter(tickets::id.eq_any(due)))
        .set(tickets::deadline_check_at.eq(None::<DateTime<Utc>>))
        .returning(Watched::as_returning())
        .get_results(conn)
}
