//! Conflicts: where one side's value gave way, and what gave way.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Caller;
use crate::crm::Engine;
use crate::crm::case::Field;
use crate::crm::merge::Side;
use crate::crm::service;
use crate::crm::store::{Conflict, ConflictFilter};
use crate::db::Db;
use crate::http::{Answer, Body, Params, PathId};
use crate::kernel::{AppError, ConflictId, ConnectionId, Page, PageRequest, Permission, TicketId};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_conflicts).service(resolve_conflict).service(restore_conflict);
}

/// A field that both sides changed, or whose change the desk refused.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConflictView {
    id: ConflictId,
    ticket_id: TicketId,
    connection_id: ConnectionId,
    field: Field,
    /// What both sides last agreed on.
    #[schema(example = "P2")]
    base: Option<String>,
    /// The desk's value in the CRM's words.
    #[schema(example = "P1")]
    desk: String,
    #[schema(example = "P3")]
    crm: String,
    /// Null while it is held.
    winner: Option<Side>,
    /// `desk_owned`, `crm_owned`, `first_link`, `refused`, `reversal`, `unheard`, or the policy that decided, such as `policy:latest`.
    #[schema(example = "policy:desk")]
    policy: String,
    /// Why the desk refused the CRM's value.
    #[schema(example = "the CRM's priority \"P9\" is mapped to no priority")]
    reason: Option<String>,
    /// The value that gave way.
    #[schema(example = "P3")]
    losing_value: Option<String>,
    /// What was decided about a held conflict and is being carried out.
    decision: Option<Side>,
    /// Who decided it.
    #[schema(example = "Admin")]
    decided_by: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    /// Who put the losing value back.
    #[schema(example = "Coordinator")]
    restored_by: Option<String>,
    restored_at: Option<DateTime<Utc>>,
    /// The CRM shows again what it had before our write, which it may have lost.
    suspected_lost_update: bool,
    created_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
}

impl From<Conflict> for ConflictView {
    fn from(row: Conflict) -> Self {
        Self {
            id: row.id,
            ticket_id: row.ticket_id,
            connection_id: row.connection_id,
            field: row.field,
            base: row.base,
            desk: row.desk,
            crm: row.crm,
            winner: row.winner,
            policy: row.policy,
            reason: row.reason,
            losing_value: row.losing_value,
            decision: row.decision,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            restored_by: row.restored_by,
            restored_at: row.restored_at,
            suspected_lost_update: row.suspected_lost_update,
            created_at: row.created_at,
            resolved_at: row.resolved_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ConflictQuery {
    /// Only of this connection.
    connection: Option<ConnectionId>,
    /// Only of this ticket.
    ticket: Option<TicketId>,
    /// True: only those that wait for a decision. False: only those that are decided.
    open: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List conflicts, newest first
///
/// A conflict is a field that was changed on both sides to different values. Each says what both values were, and which one was taken
/// or that somebody has to decide.
#[utoipa::path(
    tag = "crm",
    params(ConflictQuery),
    security(("client_credentials" = ["crm:read"])),
    responses((status = 200, description = "A page of conflicts", body = Page<ConflictView>)),
)]
#[get("/crm/conflicts")]
async fn list_conflicts(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<ConflictQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmRead)?;
    let filter =
        ConflictFilter { connection: query.connection, ticket: query.ticket, open: query.open };
    let binding = format!("conflicts {filter:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::conflicts(conn, &filter, &request)).await?;
    Answer::page(&page.map(ConflictView::from))
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resolution {
    /// Whose value both sides shall have.
    #[garde(skip)]
    winner: Side,
}

/// Decide a held conflict
///
/// The mirror carries the decision out; the desk's rules hold for the CRM's value all the same. Where an integration writes
/// the CRM, the desk takes the CRM's value at once (409 where its rules forbid that; the conflict stays open), and the desk's
/// value is offered to the integration until the CRM has it.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConflictId, Path)),
    request_body = Resolution,
    security(("client_credentials" = ["crm:write"])),
    responses((status = 202, description = "Decided", body = ConflictView)),
)]
#[post("/crm/conflicts/{id}/resolution")]
async fn resolve_conflict(
    db: web::Data<Db>,
    engine: web::Data<Engine>,
    caller: Caller,
    id: PathId<ConflictId>,
    body: Body<Resolution>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let winner = body.winner;
    let decided =
        db.tx(move |conn| engine.resolve(conn, &caller, id.0, winner, Utc::now())).await?;
    Ok(Answer::ok(&ConflictView::from(decided))?.status(202))
}

/// Restore the value that lost a conflict
///
/// The desk takes it over at once as a change of the caller, whose permissions and the desk's rules hold; the mirror then gives
/// it to the CRM, so that it wins on both sides. Once restored, calling again changes nothing. 409 while the conflict is open,
/// and where the value cannot be put back: the desk's rules or the field's owner forbid it.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConflictId, Path)),
    security(
        ("client_credentials" = ["crm:write", "tickets:read", "tickets:work"]),
    ),
    responses((status = 200, description = "Restored", body = ConflictView)),
)]
#[post("/crm/conflicts/{id}/restore")]
async fn restore_conflict(
    db: web::Data<Db>,
    engine: web::Data<Engine>,
    caller: Caller,
    id: PathId<ConflictId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    caller.require(Permission::TicketsWork)?;
    let restore = move |conn: &mut _| engine.restore(conn, &caller, id.0, Utc::now());
    Answer::ok(&ConflictView::from(db.tx(restore).await?))
}
