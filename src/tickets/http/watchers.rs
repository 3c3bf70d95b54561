//! Who watches a ticket.
use actix_web::{delete, get, put, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::service;
use super::super::store::Watcher;
use super::view::{TicketView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, PathId, now};
use crate::kernel::{AppError, Permission, TicketId, text_enum};

text_enum! {
    /// What kind of person watches.
    WatcherKind {
        Agent = "agent",
        Contact = "contact",
    }
}

/// Somebody who is told of what happens to the ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct WatcherView {
    /// The agent's or contact's id.
    id: Uuid,
    kind: WatcherKind,
    #[schema(example = "Operations contact")]
    name: String,
    added_by: Uuid,
    #[schema(example = "L1 agent A")]
    added_by_name: String,
    added_at: DateTime<Utc>,
}

impl From<Watcher> for WatcherView {
    fn from(row: Watcher) -> Self {
        let kind = match row.contact_name {
            Some(_) => WatcherKind::Contact,
            None => WatcherKind::Agent,
        };
        Self {
            id: row.id,
            kind,
            name: row.contact_name.or(row.agent_name).unwrap_or_default(),
            added_by: row.added_by,
            added_by_name: row.added_by_name,
            added_at: row.added_at,
        }
    }
}

/// List a ticket's watchers
///
/// Those of a ticket that was merged into this one watch it as well. A contact sees the contacts among them.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The watchers, 100 at the most", body = Vec<WatcherView>)),
)]
#[get("/tickets/{id}/watchers")]
pub async fn list_watchers(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    let found = db.read(move |conn| service::watchers(conn, &caller, id.0)).await?;
    Answer::ok(&found.into_iter().map(WatcherView::from).collect::<Vec<_>>())
}

/// Let somebody watch a ticket
///
/// An agent of the desk, or a contact of the ticket's account; with your own id, yourself. A contact adds nobody else.
#[utoipa::path(
    tag = "tickets",
    params(
        ("id" = TicketId, Path),
        ("watcher_id" = Uuid, Path, description = "An agent's or contact's id", example = "0199f0c2-b1c9-7000-8000-000000000002"),
    ),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[put("/tickets/{id}/watchers/{watcher_id}")]
pub async fn watch_ticket(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, Uuid)>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let (id, watcher) = path.into_inner();
    db.tx(move |conn| {
        let now = now();
        answer(service::watch(conn, &caller, id, watcher, now)?, &caller, now)
    })
    .await
}

/// Let somebody watch a ticket no more
///
/// Nor what was merged into it, also after such a merge is undone.
#[utoipa::path(
    tag = "tickets",
    params(
        ("id" = TicketId, Path),
        ("watcher_id" = Uuid, Path, description = "An agent's or contact's id", example = "0199f0c2-b1c9-7000-8000-000000000002"),
    ),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[delete("/tickets/{id}/watchers/{watcher_id}")]
pub async fn unwatch_ticket(
    db: web::Data<Db>,
    caller: Caller,
    path: web::Path<(TicketId, Uuid)>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let (id, watcher) = path.into_inner();
    db.tx(move |conn| {
        let now = now();
        answer(service::unwatch(conn, &caller, id, watcher, now)?, &caller, now)
    })
    .await
}
