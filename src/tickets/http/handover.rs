//! Hand a ticket over.
use actix_web::{post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::service::{self, HandOver};
use super::notes::not_blank;
use super::view::{TicketView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PathId, now};
use crate::kernel::{AgentId, AppError, Permission, TicketId};

/// To whom, and what they have to know.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverTicket {
    /// The successor. Absent: the least-loaded available agent, but not who has the ticket.
    #[garde(skip)]
    agent_id: Option<AgentId>,
    /// For the successor; becomes an internal note.
    #[garde(length(chars, min = 1, max = 60_000), custom(not_blank))]
    #[schema(example = "The customer sends the log file by noon; compare it with yesterday's.")]
    note: String,
    /// True: the successor gets it even if they are absent or full; the note is the reason.
    #[serde(default, rename = "override")]
    #[garde(skip)]
    #[schema(example = false)]
    insists: bool,
}

/// Hand a ticket over to a successor
///
/// One operation with one event: an internal note, another agent, and the workflow's status for tickets that are handed over,
/// where it has one. Without a successor the least-loaded other agent gets it, as soon as there is one; until then the
/// ticket waits in the queue. A successor who is absent or full is refused, as by an assignment.
#[utoipa::path(
    tag = "assignment",
    params(("id" = TicketId, Path), IfMatch),
    request_body(content = HandOverTicket, example = json!({"note": "The customer sends the log file by noon; compare it with yesterday's."})),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/handover")]
pub async fn hand_over_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<HandOverTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let wanted = HandOver { successor: body.agent_id, insists: body.insists, note: body.note };
    db.tx(move |conn| {
        let now = now();
        let located = service::hand_over(conn, &caller, id.0, seen, wanted, now)?;
        answer(located, &caller, now)
    })
    .await
}
