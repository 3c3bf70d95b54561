//! What the caller was told.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::db::Db;
use crate::events::EventType;
use crate::http::{Answer, Body, Params, PathId, now};
use crate::kernel::{
    AppError, NoteId, NotificationId, Page, PageRequest, Permission, TicketId, rfc3339,
};
use crate::notifications::rules::NotificationKind;
use crate::notifications::service::{self, Told};
use crate::tickets::BoundedCount;

/// Something that you are told.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationView {
    id: NotificationId,
    /// Why you are told.
    kind: NotificationKind,
    /// What happened.
    #[schema(value_type = EventType)]
    event: String,
    /// Where the event stands in the change feed.
    #[schema(example = 4711)]
    position: i64,
    ticket: NotificationTicket,
    /// The note that was written with it.
    note_id: Option<NoteId>,
    /// Who did it.
    actor: NotificationActor,
    #[serde(serialize_with = "rfc3339::serialize")]
    occurred_at: DateTime<Utc>,
    /// Null while you have not read it.
    #[serde(serialize_with = "rfc3339::option")]
    read_at: Option<DateTime<Utc>>,
}

/// The ticket that it is about, as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationTicket {
    id: TicketId,
    #[schema(example = "CB-1042")]
    number: String,
    #[schema(example = "The export stops")]
    subject: String,
}

/// Who did what you are told of.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationActor {
    #[schema(example = "contact")]
    role: String,
    #[schema(example = "Purchasing contact")]
    name: String,
}

impl From<Told> for NotificationView {
    fn from(Told { row, event }: Told) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            event: event.kind,
            position: row.position,
            ticket: NotificationTicket {
                id: row.ticket_id,
                number: format!("CB-{}", row.number),
                subject: row.subject,
            },
            note_id: row.note_id,
            actor: NotificationActor { role: event.actor_role, name: event.actor_name },
            occurred_at: event.occurred_at,
            read_at: row.read_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct NotificationQuery {
    /// Only what you have not read, or only what you have.
    unread: Option<bool>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page; only with the same filter.
    cursor: Option<String>,
}

/// List what you were told, latest first
///
/// Of tickets that you see now; for 90 days.
#[utoipa::path(
    tag = "notifications",
    params(NotificationQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of notifications", body = Page<NotificationView>)),
)]
#[get("/notifications")]
pub async fn list_notifications(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<NotificationQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let unread = query.unread;
    let binding = format!("notifications {unread:?}");
    let page = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    db.read(move |conn| {
        let found = service::list(conn, &caller, unread, &page)?;
        Answer::page(&found.map(NotificationView::from))
    })
    .await
}

/// Count what you have not read
///
/// As far as 1,000.
#[utoipa::path(
    tag = "notifications",
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "How many", body = BoundedCount)),
)]
#[get("/notifications/unread-count")]
pub async fn count_unread_notifications(
    db: web::Data<Db>,
    caller: Caller,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let unread = db.read(move |conn| service::unread(conn, &caller)).await?;
    Answer::ok(&BoundedCount::from(unread))
}

/// Mark a notification as read
///
/// Once more changes nothing.
#[utoipa::path(
    tag = "notifications",
    params(("id" = NotificationId, Path)),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The notification as it is now", body = NotificationView)),
)]
#[post("/notifications/{id}/read")]
pub async fn read_notification(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<NotificationId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    db.quiet_tx(move |conn| {
        let told = service::mark_read(conn, &caller, id.0, now())?;
        Answer::ok(&NotificationView::from(told))
    })
    .await
}

/// Up to where everything was read.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadUpTo {
    /// The latest that you have seen: what has come since stays unread.
    #[garde(skip)]
    up_to: NotificationId,
}

/// Mark all notifications as read up to one
///
/// That one and all before it in the order of the list.
#[utoipa::path(
    tag = "notifications",
    request_body = ReadUpTo,
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "How many are left unread", body = BoundedCount)),
)]
#[post("/notifications/read")]
pub async fn read_notifications(
    db: web::Data<Db>,
    caller: Caller,
    body: Body<ReadUpTo>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let up_to = body.into_inner().up_to;
    let left = db.quiet_tx(move |conn| service::mark_all_read(conn, &caller, up_to, now()));
    Answer::ok(&BoundedCount::from(left.await?))
}
