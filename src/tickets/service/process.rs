//! The process that a ticket follows outside the desk: attached when it is routed, and a guard of its closing.
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use serde_json::{Value, json};

use super::super::store::{self, Attached, Step, Ticket};
use super::{InWorkflow, NOT_FOUND, Told, get, hold};
use crate::catalog::StepCheck;
use crate::events::{self, Event, EventType};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, Origin, Permission, TicketId};
use crate::routing::{self, Facts, Finding, Mark, Seen, State, TicketStep};
use crate::workflow::Category;
use crate::{notes, people};

/// A ticket's process: each step with how it stands.
#[derive(Debug, Clone)]
pub struct TicketProcess {
    pub attached: Attached,
    pub steps: Vec<(TicketStep, State)>,
}

impl TicketProcess {
    /// What stands against closing the ticket. A macro that closes is for people: what the clock closes has none to wait for.
    fn open(&self, by_clock: bool) -> Vec<&TicketStep> {
        let closing = |step: &TicketStep| {
            let last = self.steps.last().is_some_and(|(last, _)| last.number == step.number);
            last && step.check == StepCheck::MacroApplied && by_clock
        };
        let open = self.steps.iter().filter(|(_, state)| *state == State::Open);
        open.map(|(step, _)| step).filter(|step| !closing(step)).collect()
    }
}

const NO_PROCESS: AppError = AppError::NotFound("a process of this ticket");

/// The ticket follows this process from now on, or none; one that it follows already goes on.
pub(super) fn follow(
    conn: &mut PgConnection,
    ticket: &Ticket,
    process: Option<&routing::Process>,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let present = store::attached(conn, ticket.id)?.map(|(attached, _)| attached.process);
    if present.as_deref() == process.map(|process| process.key.as_str()) {
        return Ok(());
    }
    if present.is_some() {
        store::detach(conn, ticket.id)?;
    }
    process.map_or(Ok(()), |process| attach(conn, ticket, process, now))
}

/// Gives a ticket that follows no process its own copy of this one. What was said before does not count.
pub(super) fn attach(
    conn: &mut PgConnection,
    ticket: &Ticket,
    process: &routing::Process,
    now: DateTime<Utc>,
) -> Result<(), AppError> {
    let attached = Attached {
        ticket_id: ticket.id,
        process: process.key.clone(),
        name: process.name.clone(),
        attached_at: now,
        after_note: ticket.note_count,
    };
    let steps = process.steps.0.iter().map(|step| Step {
        ticket_id: ticket.id,
        step: step.step,
        task: step.task.clone(),
        check: step.check,
        done_at: None,
        done_by: None,
        done_by_name: None,
        reference: None,
    });
    store::attach(conn, &attached, &steps.collect::<Vec<_>>())?;
    Ok(())
}

/// The process that the ticket follows, as it stands, for who works tickets.
pub fn process(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
) -> Result<(TicketProcess, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let ticket = get(conn, actor, id)?;
    let process = standing(conn, &ticket.row)?.ok_or(NO_PROCESS)?;
    Ok((process, ticket))
}

/// Whether the process that the ticket follows has a step with this check.
pub fn asks_for(conn: &mut PgConnection, id: TicketId, check: StepCheck) -> Result<bool, AppError> {
    let attached = store::attached(conn, id)?;
    Ok(attached.is_some_and(|(_, steps)| steps.iter().any(|step| step.check == check)))
}

fn standing(conn: &mut PgConnection, ticket: &Ticket) -> Result<Option<TicketProcess>, AppError> {
    let Some((attached, steps)) = store::attached(conn, ticket.id)? else { return Ok(None) };
    let facts = facts(conn, ticket, &attached)?;
    let last = steps.len();
    let steps = (1..).zip(steps.into_iter().map(ticket_step));
    let steps = steps.map(|(place, step)| {
        let state = step.state(&facts, place == last);
        (step, state)
    });
    Ok(Some(TicketProcess { attached, steps: steps.collect() }))
}

fn ticket_step(row: Step) -> TicketStep {
    let mark = row.done_at.zip(row.done_by_name).zip(row.reference);
    let mark = mark.map(|((at, by), reference)| Mark { at, by, reference });
    TicketStep { number: row.step, task: row.task, check: row.check, mark }
}

/// Everything that checks look at.
fn facts(conn: &mut PgConnection, ticket: &Ticket, attached: &Attached) -> Result<Facts, AppError> {
    let account = ticket.account_id.map(|id| people::get_account(conn, id)).transpose()?;
    let manager = account.and_then(|account| account.manager_name.zip(account.manager_email));
    let mut told = |words: &[&str]| {
        let note = notes::first_of_desk(conn, ticket.id, attached.after_note, words)?;
        let seen = |(seq, at)| Seen { at, reference: format!("note {seq}") };
        Ok::<_, AppError>(note.map(seen))
    };
    let public_note = told(&[])?;
    let names_manager = match (&manager, &public_note) {
        (Some((name, email)), Some(_)) => told(&[name, email])?,
        _ => None,
    };
    let macros = events::of_kind(conn, ticket.id, EventType::MacroApplied, attached.attached_at)?;
    let seen = |applied: &Event| Seen {
        at: applied.occurred_at,
        reference: format!("macro {}", applied.data["macro"]),
    };
    let closed_at = ticket.closed_at.filter(|_| ticket.category == Category::Closed);
    let closes = |applied: &&Event| {
        let operations = applied.data["operations"].as_array().into_iter().flatten();
        let since = closed_at.is_some_and(|closed| applied.occurred_at >= closed);
        since && operations.into_iter().any(|done| done == "transition")
    };
    let (side_conversation, ticket_summary) = side_conversations(conn, ticket, attached)?;
    Ok(Facts {
        side_conversation,
        ticket_summary,
        public_note,
        manager_known: manager.is_some(),
        names_manager,
        macro_applied: macros.first().map(seen),
        macro_closed: macros.iter().find(closes).map(seen),
    })
}

/// The first side conversation that was opened, and the first with the customer's details and the request.
fn side_conversations(
    conn: &mut PgConnection,
    ticket: &Ticket,
    attached: &Attached,
) -> Result<(Option<Seen>, Option<Seen>), AppError> {
    let mut since = |kind| events::of_kind(conn, ticket.id, kind, attached.attached_at);
    let opened = since(EventType::SideConversationOpened)?;
    let sent = since(EventType::SideMessageSent)?;
    let seen = |event: &Event| {
        let id = event.data["side_conversation_id"].as_str().unwrap_or_default();
        Seen { at: event.occurred_at, reference: format!("side conversation {id}") }
    };
    let with_summary =
        opened.iter().chain(&sent).filter(|event| event.data["ticket_summary"] == true);
    let summary = with_summary.min_by_key(|event| event.ticket_version);
    Ok((opened.first().map(seen), summary.map(seen)))
}

/// What a person says about a step.
#[derive(Debug, Clone)]
pub struct Marking {
    pub done: bool,
    /// Where it is to be seen; what is done cannot do without.
    pub reference: Option<String>,
}

/// Marks a step that only a person can tell about, or takes the mark back.
pub fn mark_step(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    number: i32,
    marking: Marking,
    now: DateTime<Utc>,
) -> Result<(TicketProcess, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let held = hold(conn, actor, id, seen)?;
    let (attached, steps) = store::attached(conn, id)?.ok_or(NO_PROCESS)?;
    let last = steps.last().map(|step| step.step);
    let found = steps.into_iter().find(|step| step.step == number);
    let mut step = found.ok_or(AppError::NotFound("the step"))?;
    let facts = facts(conn, &held.ticket, &attached)?;
    if marking.done && facts.find(step.check, last == Some(number)) != Finding::Unknown {
        let detail = "the service sees by itself when this step is done";
        return Err(AppError::conflict("checked_by_service", detail));
    }
    if marking.done && marking.reference.is_none() {
        return Err(AppError::field("/reference", "say where it is to be seen"));
    }
    let mark = marking.reference.filter(|_| marking.done);
    if step.reference != mark {
        step.done_at = mark.is_some().then_some(now);
        step.done_by = mark.is_some().then_some(actor.id);
        step.done_by_name = mark.is_some().then(|| actor.name.clone());
        step.reference = mark;
        store::mark(conn, &step)?;
        let data = json!({ "step": number, "do": step.task, "done": marking.done,
            "reference": step.reference });
        let told = Told { kind: EventType::ProcessStepMarked, public: false, data };
        let ticket = held.save(conn, actor, told, now)?;
        return Ok((standing(conn, &ticket.row)?.ok_or(NOT_FOUND)?, ticket));
    }
    Ok((standing(conn, &held.ticket)?.ok_or(NOT_FOUND)?, held.unchanged()))
}

/// Refuses that the ticket is closed as routed while steps are open, unless somebody of the desk says why; a customer may
/// close what is theirs. Returns what the event says of the open steps.
pub(super) fn guard_closing(
    conn: &mut PgConnection,
    actor: &Actor,
    ticket: &Ticket,
    override_reason: Option<&str>,
) -> Result<Option<Value>, AppError> {
    let Some(process) = standing(conn, ticket)? else { return Ok(None) };
    let by_clock = actor.origin == Origin::Timer && override_reason.is_none();
    let open = process.open(by_clock);
    if open.is_empty() {
        return Ok(None);
    }
    let numbers: Vec<String> = open.iter().map(|step| step.number.to_string()).collect();
    let told =
        |step: &TicketStep| json!({ "step": step.number, "do": step.task, "check": step.check });
    let open: Vec<Value> = open.into_iter().map(told).collect();
    if override_reason.is_none() && !actor.is_contact() {
        let detail = format!(
            "the process {:?} is not through; open steps: {}",
            process.attached.name,
            numbers.join(", ")
        );
        return Err(AppError::OpenSteps { detail, steps: Value::from(open) });
    }
    Ok(Some(json!({ "open_steps": open, "override_reason": override_reason })))
}
