//! Apply a macro to a ticket, or tell what that would do.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel::{Connection as _, PgConnection};
use serde_json::{Map, Value, json};

use super::super::rules::{Action, MacroOperation, asks, fill_in, in_action, take_category};
use super::super::store::{self, Macro};
use super::keep::{MISSING, actions};
use crate::canned_replies::values;
use crate::events::{self, EventType};
use crate::http::IfMatch;
use crate::kernel::{Actor, AppError, FieldError, MacroId, Permission, TicketId};
use crate::notes::{self, Note};
use crate::tickets::service::{self as tickets, Happening};
use crate::tickets::{InWorkflow, Ticket, operation};

/// What whoever applies a macro fills in, by name.
pub type Inputs = BTreeMap<String, String>;

/// A macro on its way over a ticket.
struct Run {
    actions: Vec<Action>,
    /// What its texts are filled in with.
    values: Value,
}

/// Does every action of the macro in this transaction, each as the operation of that name does by itself: what one of them
/// refuses is refused as a whole. That the macro was applied is told first, so that what follows can ask for it.
pub fn apply(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    (macro_id, inputs): (MacroId, &Inputs),
    now: DateTime<Utc>,
) -> Result<InWorkflow<Ticket>, AppError> {
    let (run, mut ticket) = begin(conn, actor, id, seen, (macro_id, inputs), now)?;
    for (at, action) in run.actions.iter().enumerate() {
        let done = run.perform(conn, actor, ticket, action, now);
        ticket = done.map_err(|error| in_action(at, error))?;
    }
    Ok(ticket)
}

fn begin(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    seen: IfMatch,
    (macro_id, inputs): (MacroId, &Inputs),
    now: DateTime<Utc>,
) -> Result<(Run, InWorkflow<Ticket>), AppError> {
    actor.require(Permission::TicketsWork)?;
    let found = store::find(conn, macro_id)?.filter(|found| found.active).ok_or(MISSING)?;
    let actions = actions(&found)?;
    check_inputs(&actions, inputs)?;
    let applied = applied(&found, &actions);
    let ((), ticket) =
        tickets::happen_on(conn, actor, id, seen, now, |_, _| Ok(((), Some(applied))))?;
    let mut values = values(conn, actor, &ticket)?;
    values["input"] = json!(inputs);
    Ok((Run { actions, values }, ticket))
}

fn applied(found: &Macro, actions: &[Action]) -> Happening {
    let operations: Vec<MacroOperation> = actions.iter().map(|action| action.operation).collect();
    let data = json!({ "macro_id": found.id, "macro": found.name, "operations": operations });
    Happening { kind: EventType::MacroApplied, public: false, data, note: None }
}

/// Everything that the macro asks for is given, and nothing else.
fn check_inputs(actions: &[Action], inputs: &Inputs) -> Result<(), AppError> {
    let asked = asks(actions);
    let at = |name: &String| format!("/values/{name}");
    let missing = asked.iter().filter(|name| inputs.get(*name).is_none_or(|t| t.trim().is_empty()));
    let missing = missing.map(|name| FieldError::new(at(name), "the macro asks for it"));
    let unknown = inputs.keys().filter(|name| !asked.contains(*name));
    let unknown = unknown.map(|name| FieldError::new(at(name), "the macro does not ask for it"));
    let errors: Vec<FieldError> = missing.chain(unknown).collect();
    if errors.is_empty() { Ok(()) } else { Err(AppError::Invalid(errors)) }
}

impl Run {
    fn perform(
        &self,
        conn: &mut PgConnection,
        actor: &Actor,
        ticket: InWorkflow<Ticket>,
        action: &Action,
        now: DateTime<Utc>,
    ) -> Result<InWorkflow<Ticket>, AppError> {
        let (id, any) = (ticket.row.id, IfMatch(None));
        let Some(kind) = action.operation.on_ticket() else {
            let survey = Happening {
                kind: EventType::SurveyRequested,
                public: false,
                data: json!({}),
                note: None,
            };
            let told = |_: &mut _, _: &mut _| Ok(((), Some(survey)));
            return Ok(tickets::happen_on(conn, actor, id, any, now, told)?.1);
        };
        let mut body = fill_in(&action.body, &self.values)?;
        if action.operation == MacroOperation::Transition
            && let Some(category) = take_category(&mut body)?
        {
            body["to"] = json!(tickets::way_into(&ticket, actor, category, now)?);
        }
        operation(kind, &body, actor)?.perform(conn, actor, id, any, now)
    }
}

/// What became of an action when it was tried.
#[derive(Debug)]
pub struct Rehearsed {
    pub operation: MacroOperation,
    pub refusal: Option<AppError>,
}

/// What a macro would do.
#[derive(Debug)]
pub struct Preview {
    /// What would change of the ticket.
    pub changes: Map<String, Value>,
    /// The notes that would be added.
    pub notes: Vec<Note>,
    pub actions: Vec<Rehearsed>,
}

/// Tries the macro on the ticket as it is now, and takes everything back. An action that is refused does not stop those
/// behind it: all refusals are told.
pub fn preview(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    wanted: (MacroId, &Inputs),
    now: DateTime<Utc>,
) -> Result<Preview, AppError> {
    let mut preview = None;
    let undone = conn.transaction(|conn| {
        preview = Some(rehearse(conn, actor, id, wanted, now)?);
        Err::<(), AppError>(DieselError::RollbackTransaction.into())
    });
    match (preview, undone) {
        (Some(preview), Err(_)) => Ok(preview),
        (_, undone) => {
            undone?;
            Err(AppError::Internal(anyhow::anyhow!("a rehearsal was not taken back")))
        }
    }
}

fn rehearse(
    conn: &mut PgConnection,
    actor: &Actor,
    id: TicketId,
    wanted: (MacroId, &Inputs),
    now: DateTime<Utc>,
) -> Result<Preview, AppError> {
    let (run, before) = begin(conn, actor, id, IfMatch(None), wanted, now)?;
    let mut ticket = before.clone();
    let mut tried = Vec::with_capacity(run.actions.len());
    for (at, action) in run.actions.iter().enumerate() {
        let attempt =
            conn.transaction(|conn| run.perform(conn, actor, ticket.clone(), action, now));
        let refusal = match attempt {
            Ok(after) => {
                ticket = after;
                None
            }
            Err(error) if error.status() >= 500 => return Err(error),
            Err(error) => Some(in_action(at, error)),
        };
        tried.push(Rehearsed { operation: action.operation, refusal });
    }
    let last = Some(before.row.note_count);
    let notes = notes::page(conn, id, false, last, false, 100)?;
    Ok(Preview { changes: events::diff(&before.row, &ticket.row), notes, actions: tried })
}
