//! From one level of support to another.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::service::{self, Elevate};
use super::super::store::Elevation;
use super::view::{TicketView, answer};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, PathId, now};
use crate::kernel::{AppError, ElevationId, Level, Permission, TicketId};
use crate::routing::LevelChange;

/// To which level, why, and what was tried.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ElevateTicket {
    /// The next level, or the one before when an elevation is taken back.
    #[garde(skip)]
    #[schema(example = "L2")]
    to: Level,
    #[garde(length(chars, min = 1, max = 2000))]
    #[schema(example = "Needs a change in the database")]
    reason: String,
    /// What the level before has tried; an elevation needs it.
    #[garde(length(chars, min = 1, max = 10_000))]
    #[schema(example = "Restarted the export, cleared its cache")]
    tried: Option<String>,
}

/// Elevate a ticket to the next level, or take that back
///
/// From L1 to L2 to `third_line`, one level at a time; back only what was elevated. Recorded with who, when, why and what was
/// tried; the ticket goes to the least-loaded agent of the new level, and its clock goes on. Where the workflow leads to a
/// status that awaits the third line, the ticket goes there too.
#[utoipa::path(
    tag = "routing",
    params(("id" = TicketId, Path), IfMatch),
    request_body = ElevateTicket,
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The ticket as it is now", body = TicketView)),
)]
#[post("/tickets/{id}/elevations")]
pub async fn elevate_ticket(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    seen: IfMatch,
    body: Body<ElevateTicket>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let body = body.into_inner();
    let wanted = Elevate { to: body.to, reason: body.reason, tried: body.tried };
    db.tx(move |conn| {
        let now = now();
        let located = service::elevate(conn, &caller, id.0, seen, wanted, now)?;
        answer(located, &caller, now)
    })
    .await
}

/// A recorded change of the ticket's level.
#[derive(Debug, Serialize, ToSchema)]
pub struct ElevationView {
    id: ElevationId,
    kind: LevelChange,
    from: Level,
    to: Level,
    #[schema(example = "Needs a change in the database")]
    reason: String,
    /// What was tried before; null where nobody had to say.
    #[schema(example = "Restarted the export, cleared its cache")]
    tried: Option<String>,
    /// The version of the routing table that the ticket was routed by then.
    #[schema(example = 1)]
    routing_version: Option<i32>,
    elevated_by: uuid::Uuid,
    #[schema(example = "L1 agent A")]
    elevated_by_name: String,
    elevated_at: DateTime<Utc>,
}

impl From<Elevation> for ElevationView {
    fn from(e: Elevation) -> Self {
        Self {
            id: e.id,
            kind: e.kind,
            from: e.from_level,
            to: e.to_level,
            reason: e.reason,
            tried: Some(e.tried).filter(|tried| !tried.is_empty()),
            routing_version: e.routing_version,
            elevated_by: e.elevated_by,
            elevated_by_name: e.elevated_by_name,
            elevated_at: e.elevated_at,
        }
    }
}

/// List the changes of a ticket's level, oldest first
///
/// Elevations, elevations that were taken back, and re-routings by a change of the component.
#[utoipa::path(
    tag = "routing",
    params(("id" = TicketId, Path)),
    security(("client_credentials" = ["tickets:read", "tickets:work"])),
    responses((status = 200, description = "The changes", body = Vec<ElevationView>)),
)]
#[get("/tickets/{id}/elevations")]
pub async fn list_elevations(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let elevations = db.read(move |conn| service::elevations(conn, &caller, id.0)).await?;
    let views: Vec<ElevationView> = elevations.into_iter().map(ElevationView::from).collect();
    Answer::ok(&views)
}
