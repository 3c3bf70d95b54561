//! What waits for somebody, tried again.
use actix_web::{post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::operations::Marked;
use crate::auth::Caller;
use crate::crm::Engine;
use crate::crm::service;
use crate::crm::store::{Cause, Mirror, MirrorState, Replay};
use crate::db::Db;
use crate::http::{Answer, Body, PathId};
use crate::kernel::{AppError, ConnectionId, Permission, TicketId};

pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(retry_parked_mirrors);
}

#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// Instead of the parked ones, those whose case was deleted in the CRM.
    #[serde(default)]
    #[garde(skip)]
    deleted: bool,
    /// Only those with this cause.
    #[garde(inner(length(chars, min = 1, max = 50)))]
    #[schema(example = "unmapped")]
    error_class: Option<String>,
    /// Only this ticket's.
    #[garde(skip)]
    ticket_id: Option<TicketId>,
    /// Only those whose reason holds this text; capitals do not matter.
    #[garde(inner(length(chars, min = 1, max = 200)))]
    #[schema(example = "the account Acme")]
    reason: Option<String>,
    /// Only those that failed at this time or later.
    #[garde(skip)]
    since: Option<DateTime<Utc>>,
    /// Only tell what would be tried again.
    #[serde(default)]
    #[garde(skip)]
    preview: bool,
}

impl RetryBody {
    fn which(self) -> Replay {
        let state = if self.deleted { MirrorState::Deleted } else { MirrorState::Parked };
        Replay {
            state,
            error_class: self.error_class,
            ticket: self.ticket_id,
            reason: self.reason,
            since: self.since,
        }
    }
}

/// What a retry would try again.
#[derive(Debug, Serialize, ToSchema)]
struct RetryPreview {
    #[schema(example = 3)]
    count: i64,
    /// By cause, the most frequent first; 100 at the most.
    causes: Vec<Cause>,
    /// Those that wait the longest; 20 at the most.
    items: Vec<ParkedItem>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ParkedItem {
    ticket_id: TicketId,
    #[schema(example = "unmapped")]
    error_class: Option<String>,
    #[schema(example = "the account Acme is linked to no account of the CRM")]
    reason: Option<String>,
    failed_at: Option<DateTime<Utc>>,
}

impl From<Mirror> for ParkedItem {
    fn from(mirror: Mirror) -> Self {
        Self {
            ticket_id: mirror.ticket_id,
            error_class: mirror.error_class,
            reason: mirror.last_error,
            failed_at: mirror.failed_at,
        }
    }
}

/// Retry what is parked
///
/// After its cause was put right; every condition narrows what is retried. A mirror whose case was deleted in the CRM gets a
/// new case. With `preview`, nothing is changed.
#[utoipa::path(
    tag = "crm",
    params(("id" = ConnectionId, Path)),
    request_body = RetryBody,
    security(("client_credentials" = ["crm:write"])),
    responses(
        (status = 200, description = "What would be retried", body = RetryPreview),
        (status = 202, description = "Marked", body = Marked),
    ),
)]
#[post("/crm/connections/{id}/parked/retry")]
async fn retry_parked_mirrors(
    db: web::Data<Db>,
    engine: web::Data<Engine>,
    caller: Caller,
    id: PathId<ConnectionId>,
    body: Body<RetryBody>,
) -> Result<Answer, AppError> {
    caller.require(Permission::CrmWrite)?;
    let body = body.into_inner();
    let (preview, which) = (body.preview, body.which());
    if preview {
        let found = db.read(move |conn| service::preview_retry(conn, id.0, &which)).await?;
        let (count, causes, items) = found;
        let items = items.into_iter().map(ParkedItem::from).collect();
        return Answer::ok(&RetryPreview { count, causes, items });
    }
    let marked = db.tx(move |conn| service::retry(conn, id.0, &which)).await?;
    engine.wake();
    Ok(Answer::ok(&Marked { marked })?.status(202))
}
