//! Read a ticket and its history.
use actix_web::{get, web};

use super::super::service;
use super::view::{TicketView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::events::EventView;
use crate::http::{Answer, PageQuery, Params, PathId, now};
use crate::kernel::{AppError, Page, TicketId};

/// Get a ticket
///
/// With the transitions that you may do now. Send `If-None-Match` with the ETag that you have to get 304 when
/// nothing changed.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The ticket", body = TicketView)),
)]
#[get("/tickets/{id}")]
pub async fn get_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    db.read(move |conn| {
        let located = service::get(conn, &caller, id.0)?;
        answer(located, &caller, now())
    })
    .await
}

/// List what happened to a ticket, oldest first
///
/// One entry for each version. A contact sees the public ones.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), PageQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of the history", body = Page<EventView>)),
)]
#[get("/tickets/{id}/history")]
pub async fn list_ticket_history(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    let page = query.request(&format!("history {}", id.0))?;
    let contact = caller.is_contact();
    let events = db.read(move |conn| service::history(conn, &caller, id.0, &page)).await?;
    Answer::page(
        &events.map(|event| if contact { EventView::for_contact(event) } else { event.into() }),
    )
}
