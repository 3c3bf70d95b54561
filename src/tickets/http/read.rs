//! Read a ticket and its history.
use actix_web::{get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::service;
use super::view::{TicketView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::events::EventView;
use crate::http::{Answer, Params, PathId, now};
use crate::kernel::{AppError, Page, PageRequest, TicketId};

/// Get a ticket
///
/// With the transitions that you may do now. Send `If-None-Match` with the ETag that you have to get 304 when
/// nothing changed.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path)),
    security(("bearer" = ["tickets:read"]), ("client_credentials" = ["tickets:read"])),
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

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    pub limit: Option<i64>,
    /// `next` or `prev` of another page.
    pub cursor: Option<String>,
}

impl PageQuery {
    pub fn request(&self, binding: &str) -> Result<PageRequest, AppError> {
        PageRequest::new(self.limit, self.cursor.as_deref(), binding)
    }
}

/// List what happened to a ticket, oldest first
///
/// One entry for each version. A contact sees the public ones.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), PageQuery),
    security(("bearer" = ["tickets:read"]), ("client_credentials" = ["tickets:read"])),
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
