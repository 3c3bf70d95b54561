//! Apply a macro to a ticket, or see what that would do.
use actix_web::{post, web};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::rules::MacroOperation;
use super::super::service::{self, Inputs, Preview, Rehearsed};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, ItemProblem, now};
use crate::kernel::{AppError, MacroId, Permission, TicketId};
use crate::notes::{Note, NoteVisibility, body_html};
use crate::tickets::{TicketView, answer_ticket};

/// What the macro asks for.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FillMacro {
    /// By the names that the macro `asks` for.
    #[serde(default)]
    #[garde(length(max = 50))]
    #[schema(value_type = Object, example = json!({"resolution": "The limit was raised."}))]
    values: Inputs,
}

/// A macro to be applied to many tickets.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MacroOrder {
    #[garde(skip)]
    pub macro_id: MacroId,
    #[serde(default)]
    #[garde(length(max = 50))]
    #[schema(value_type = Object, example = json!({"resolution": "The limit was raised."}))]
    pub values: Inputs,
}

/// What a macro would do to a ticket.
#[derive(Debug, Serialize, ToSchema)]
struct MacroPreview {
    /// True when no action would be refused: then it can be applied.
    applicable: bool,
    /// What would change of the ticket: `{field: {from, to}}`.
    #[schema(value_type = Object, example = json!({"status": {"from": "020", "to": "050"}}))]
    changes: Map<String, Value>,
    /// The notes that would be added.
    notes: Vec<NotePreview>,
    /// The actions in their order.
    actions: Vec<ActionPreview>,
}

/// A note that would be added.
#[derive(Debug, Serialize, ToSchema)]
struct NotePreview {
    visibility: NoteVisibility,
    #[schema(example = "Dear Purchasing contact, which version do you use?")]
    body: String,
    #[schema(example = "<p>Dear Purchasing contact, which version do you use?</p>")]
    body_html: String,
}

/// What would become of an action.
#[derive(Debug, Serialize, ToSchema)]
struct ActionPreview {
    #[schema(example = "transition")]
    operation: MacroOperation,
    /// Why it would be refused, and with it the macro.
    problem: Option<ItemProblem>,
}

impl From<Preview> for MacroPreview {
    fn from(preview: Preview) -> Self {
        let note = |note: Note| NotePreview {
            visibility: note.visibility,
            body_html: body_html(note.channel, &note.body).to_string(),
            body: note.body,
        };
        let action = |tried: Rehearsed| ActionPreview {
            operation: tried.operation,
            problem: tried.refusal.as_ref().map(ItemProblem::of),
        };
        Self {
            applicable: preview.actions.iter().all(|tried| tried.refusal.is_none()),
            changes: preview.changes,
            notes: preview.notes.into_iter().map(note).collect(),
            actions: preview.actions.into_iter().map(action).collect(),
        }
    }
}

/// Preview a macro on a ticket
///
/// What would change, which notes would be added, and what would be refused. Nothing is done.
#[utoipa::path(
    tag = "macros",
    params(("id" = TicketId, Path), ("macro_id" = MacroId, Path)),
    request_body = FillMacro,
    security(("client_credentials" = ["tickets:write", "tickets:work"])),
    responses((status = 200, description = "What it would do", body = MacroPreview)),
)]
#[post("/tickets/{id}/macros/{macro_id}/preview")]
pub async fn preview_macro(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, MacroId)>,
    body: Body<FillMacro>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (ticket, id) = path.into_inner();
    let values = body.into_inner().values;
    let preview = move |conn: &mut _| {
        service::preview(conn, &caller, ticket, (id, &values), now()).map(MacroPreview::from)
    };
    Answer::ok(&db.quiet_tx(preview).await?)
}

/// Apply a macro to a ticket
///
/// All of its actions with your rights, each as the operation of that name does it, in one transaction: when one is refused,
/// nothing is done, and the pointers of the refusal begin in the macro. The history tells `ticket.macro_applied`, and then what
/// each action did.
#[utoipa::path(
    tag = "macros",
    params(("id" = TicketId, Path), ("macro_id" = MacroId, Path), IfMatch),
    request_body = FillMacro,
    security(("client_credentials" = ["tickets:write", "tickets:work"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/macros/{macro_id}/apply")]
pub async fn apply_macro(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, MacroId)>,
    seen: IfMatch,
    body: Body<FillMacro>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let (ticket, id) = path.into_inner();
    let values = body.into_inner().values;
    db.tx(move |conn| {
        let now = now();
        let applied = service::apply(conn, &caller, ticket, seen, (id, &values), now)?;
        answer_ticket(applied, &caller, now)
    })
    .await
}
