//! Move a ticket through its workflow.
use actix_web::{get, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::service::{self, Transition};
use super::notes::AddNote;
use super::view::{TicketView, TransitionView, answer, transitions};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PathId, now};
use crate::kernel::{Actor, AppError, Permission, TicketId};

/// List the transitions that you may do now
///
/// Statuses that the ticket can go to now, in your role, with what each needs to be told.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The transitions", body = Vec<TransitionView>)),
)]
#[get("/tickets/{id}/transitions")]
pub async fn list_transitions(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    db.read(move |conn| {
        let located = service::get(conn, &caller, id.0)?;
        Answer::ok(&transitions(&located.row, &located.workflow, &caller, now()))
    })
    .await
}

/// Where to, with what the transition requires.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitionTicket {
    /// The code of the status, as `allowed_transitions` lists it.
    #[garde(length(chars, min = 1, max = 60))]
    #[schema(example = "050")]
    to: String,
    #[garde(dive)]
    note: Option<AddNote>,
    /// How it was solved; closing needs it.
    #[garde(length(chars, min = 1, max = 60_000))]
    #[schema(example = "The limit was raised.")]
    resolution: Option<String>,
    /// The vendor's number for the problem.
    #[garde(length(chars, min = 1, max = 255))]
    #[schema(example = "MS-88123")]
    vendor_reference: Option<String>,
    /// Why it is closed although steps of its process are open; recorded.
    #[garde(length(chars, min = 1, max = 2000))]
    #[schema(example = "The account manager was told in a meeting")]
    override_reason: Option<String>,
}

impl TransitionTicket {
    /// The transition as this caller asks for it.
    pub fn wanted(self, actor: &Actor) -> Transition {
        Transition {
            to: self.to,
            note: self.note.map(|note| note.by(actor)),
            resolution: self.resolution,
            vendor_reference: self.vendor_reference,
            override_reason: self.override_reason,
        }
    }
}

/// Move a ticket to another status
///
/// Only along a transition that the workflow allows you now; otherwise 409 lists those. A contact may close. While steps of
/// the ticket's process are open, the desk closes it with an `override_reason` only; 409 `process_open_steps` lists them.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), IfMatch),
    request_body(content = TransitionTicket, example = json!({"to": "050", "resolution": "The limit was raised."})),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/transitions")]
pub async fn transition_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<TransitionTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let wanted = body.into_inner().wanted(&caller);
    db.tx(move |conn| {
        let now = now();
        let located = service::transition(conn, &caller, id.0, seen, wanted, now)?;
        answer(located, &caller, now)
    })
    .await
}
