//! Move a ticket through its workflow.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::rules::{
    Actions, await_reply, enter, is_handover, not_allowed, refused, window_over,
};
use super::super::store::Ticket;
use super::assign::need;
use super::attach::refer;
use super::read::conversation;
use super::{Held, InWorkflow, Told, hold, mentions};
use crate::assignment::{self, Need, Previous};
use crate::events::EventType;
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Permission, TicketId};
use crate::notes::{self, NewNote, Note, NoteVisibility};
use crate::workflow::{Category, Refusal, Requirement, Trigger, Workflow};

/// Where to, with what the transition requires.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The code of the status.
    pub to: String,
    pub note: Option<NewNote>,
    pub resolution: Option<String>,
    pub vendor_reference: Option<String>,
    /// Why the ticket is closed although steps of its process are open.
    pub override_reason: Option<String>,
}

/// Does a transition that the workflow allows this caller now.
pub fn transition(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    wanted: Transition,
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    actor.require(Permission::TicketsWrite)?;
    if wanted.vendor_reference.is_some() || wanted.override_reason.is_some() {
        actor.require(Permission::TicketsWork)?;
    }
    let mut held = hold(conn, actor, id, seen)?;
    let allowed = Actions::allowed(&held.workflow, &held.ticket, actor, now);
    if !allowed.iter().any(|transition| transition.to == wanted.to) {
        return Err(refusal(&held, &wanted, actor, now));
    }
    let given = given(&held.ticket, &wanted);
    let (from, closed_at) = (&held.ticket.status, held.ticket.closed_at);
    held.workflow
        .decide(from, &wanted.to, Trigger::Agent, &given, closed_at, now)
        .map_err(|refusal| refused(refusal, &wanted.to, &allowed))?;
    if wanted.resolution.is_some() {
        held.ticket.resolution.clone_from(&wanted.resolution);
    }
    if wanted.vendor_reference.is_some() {
        held.ticket.vendor_reference.clone_from(&wanted.vendor_reference);
    }
    held.override_reason = wanted.override_reason;
    let was_closed = held.ticket.category == Category::Closed;
    move_to(&mut held, &wanted.to, now)?;
    follow_status(conn, actor, &mut held, was_closed, now)?;
    let mut data = json!({});
    if let Some(note) = wanted.note {
        data = about(&write_note(conn, actor, &mut held, note, now)?);
    }
    let told = Told { kind: EventType::TicketStatusChanged, public: true, data };
    held.save(conn, actor, told, now)
}

/// The code of the first status of this category that the caller may move the ticket to now.
pub fn way_into(
    ticket: &InWorkflow<Ticket>,
    actor: &Actor,
    category: Category,
    now: DateTime<Utc>,
) -> Result<String, AppError> {
    let allowed = Actions::allowed(&ticket.workflow, &ticket.row, actor, now);
    let into = |code: &str| ticket.workflow.status(code).is_some_and(|s| s.category == category);
    match allowed.iter().find(|transition| into(&transition.to)) {
        Some(transition) => Ok(transition.to.clone()),
        None => Err(not_allowed(&format!("a status of the category {category}"), &allowed)),
    }
}

/// Why the caller may not: the window is over, or there is no such way from here.
fn refusal(held: &Held, wanted: &Transition, actor: &Actor, now: DateTime<Utc>) -> AppError {
    let given = Requirement::ALL;
    let ticket = &held.ticket;
    let decided = held.workflow.decide(
        &ticket.status,
        &wanted.to,
        Trigger::Agent,
        given,
        ticket.closed_at,
        now,
    );
    let allowed = Actions::allowed(&held.workflow, ticket, actor, now);
    match decided {
        Err(Refusal::WindowOver) => window_over(),
        _ => not_allowed(&wanted.to, &allowed),
    }
}

fn given(ticket: &Ticket, wanted: &Transition) -> Vec<Requirement> {
    let note = wanted.note.as_ref().map(|note| match note.visibility {
        NoteVisibility::Public => Requirement::PublicNote,
        NoteVisibility::Internal => Requirement::InternalNote,
    });
    let vendor = wanted.vendor_reference.is_some() || ticket.vendor_reference.is_some();
    let resolution = wanted.resolution.is_some().then_some(Requirement::Resolution);
    let vendor = vendor.then_some(Requirement::VendorReference);
    note.into_iter().chain(resolution).chain(vendor).collect()
}

/// Puts the held ticket into the status with this code.
pub(super) fn move_to(held: &mut Held, code: &str, now: DateTime<Utc>) -> Result<(), AppError> {
    enter_code(&mut held.ticket, &held.workflow, code, now)
}

fn enter_code(
    ticket: &mut Ticket,
    workflow: &Workflow,
    code: &str,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let unknown = || AppError::Internal(anyhow::anyhow!("the workflow has no status {code}"));
    enter(ticket, workflow, workflow.status(code).ok_or_else(unknown)?, now);
    Ok(())
}

/// What a new status means to the assignment: a reopened ticket goes back to its agent, one that nobody has is given
/// to somebody where the workflow asks for that, and one that is given goes on. A hand-over waits for its successor.
pub(super) fn follow_status(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    reopened: bool,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let status = &held.ticket.status;
    let asks = held.workflow.on(status, Trigger::Assignment, held.ticket.closed_at, now).is_some();
    let nobody = held.ticket.assignee_id.is_none();
    if reopened && held.ticket.category.is_open() || asks && nobody {
        reassign(conn, actor, held, now)?;
    } else if asks && is_handover(&held.workflow, status) {
        return Ok(());
    }
    go_on_if_assigned(&mut held.ticket, &held.workflow, now)
}

/// A ticket that somebody has leaves a status that waits for an assignment.
pub(super) fn go_on_if_assigned(
    ticket: &mut Ticket,
    workflow: &Workflow,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let next = workflow.on(&ticket.status, Trigger::Assignment, ticket.closed_at, now);
    match next {
        Some(next) if ticket.assignee_id.is_some() => enter_code(ticket, workflow, &next.to, now),
        _ => Ok(()),
    }
}

/// Back to its agent if they may and can, else to the least loaded.
pub(super) fn reassign(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let before = &held.before;
    let counted = before.category.is_open() && before.deleted_at.is_none();
    let need = Need { counted, ..need(&held.ticket) };
    let decision = assignment::keep_or_pick(conn, &need, now)?;
    let about = Previous { ticket: held.ticket.id, agent: held.ticket.assignee_id };
    held.ticket.assignee_id = decision.agent;
    assignment::record(conn, actor, about, &decision, None, now)
}

/// Adds the next note to the held ticket. Internal notes need the desk's permission; a public one begins the customer's turn anew.
pub(super) fn write_note(
    conn: &mut PgConnection,
    actor: &Actor,
    held: &mut Held,
    note: NewNote,
    now: DateTime<Utc>,
) -> Result<Note, AppError> {
    actor.require(match note.visibility {
        NoteVisibility::Public => Permission::TicketsWrite,
        NoteVisibility::Internal => Permission::TicketsWork,
    })?;
    let mentions = mentions::mentioned(conn, actor, &held.ticket, &note)?;
    if !note.attachments.is_empty() {
        let conversation = conversation(conn, &held.ticket)?;
        refer(conn, &conversation, note.visibility, &note.attachments)?;
    }
    if note.visibility == NoteVisibility::Public {
        await_reply(&mut held.ticket, &held.workflow, now);
    }
    held.ticket.note_count += 1;
    let seq = held.ticket.note_count;
    Ok(notes::insert(conn, actor, held.ticket.id, seq, note, mentions, now)?)
}

/// What an event says, and `more`.
pub(super) fn with(mut data: Value, more: &Value) -> Value {
    for (field, value) in more.as_object().into_iter().flatten() {
        data[field] = value.clone();
    }
    data
}

/// What an event says of the note that came with it.
pub(super) fn about(note: &Note) -> Value {
    let mut data =
        json!({ "note_id": note.id, "note_seq": note.seq, "note_visibility": note.visibility });
    if !note.mentions.is_empty() {
        data["mentions"] = json!(note.mentions);
    }
    data
}
