//! What the desk does with mails that come in, and how the polling of its mailbox goes.
use actix_web::{get, put, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::imap::Poller;
use super::super::rules::UnknownSenders;
use super::super::service::{self, Settings};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, Problem, now};
use crate::kernel::{AccountId, AppError, CategoryId, Permission, ProductId};

/// Get what the desk does with mails that come in
///
/// Whether mails from unknown people open tickets or wait in quarantine, and what such tickets are about.
#[utoipa::path(
    tag = "incoming mails",
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The settings", body = Settings)),
)]
#[get("/inbound/settings")]
pub async fn get_inbound_settings(db: web::Data<Db>, caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let settings = db.read(service::settings).await?;
    Ok(Answer::ok(&settings)?.version(settings.version))
}

/// What the desk does with mails that come in.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetInboundSettings {
    #[garde(skip)]
    unknown_senders: UnknownSenders,
    /// Tickets of unknown senders are this account's.
    #[garde(skip)]
    account_id: Option<AccountId>,
    /// What new tickets are about when the account has not exactly one product.
    #[garde(skip)]
    product_id: Option<ProductId>,
    #[garde(skip)]
    category_id: Option<CategoryId>,
    /// Whether a reply that only says thank you opens a closed ticket again.
    #[garde(skip)]
    #[schema(example = false)]
    thanks_reopens: bool,
}

/// Set what the desk does with mails that come in
///
/// All settings at once. They count for the mails that come in from then on; what waits in quarantine stays there.
#[utoipa::path(
    tag = "incoming mails",
    params(IfMatch),
    request_body = SetInboundSettings,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The settings as they are now", body = Settings)),
)]
#[put("/inbound/settings")]
pub async fn set_inbound_settings(
    db: web::Data<Db>,
    caller: Caller,
    seen: IfMatch,
    body: Body<SetInboundSettings>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (body, now) = (body.into_inner(), now());
    let wanted = Settings {
        unknown_senders: body.unknown_senders,
        account_id: body.account_id,
        product_id: body.product_id,
        category_id: body.category_id,
        thanks_reopens: body.thanks_reopens,
        version: 0,
        updated_at: now,
    };
    let change = move |conn: &mut _| service::change_settings(conn, &caller, seen, wanted, now);
    let settings = db.tx(change).await?;
    Ok(Answer::ok(&settings)?.version(settings.version))
}

/// How the polling of the mailbox goes.
#[derive(Debug, Serialize, ToSchema)]
struct MailboxView {
    #[schema(example = "support@imap.desk.example/INBOX")]
    mailbox: String,
    /// Every mail up to this one was taken.
    #[schema(example = 4711)]
    last_uid: i64,
    /// When the server was last seen to answer.
    seen_at: Option<DateTime<Utc>>,
    /// Null while it goes well.
    #[schema(example = "the mailbox refuses the password")]
    error: Option<String>,
    error_since: Option<DateTime<Utc>>,
}

/// Get how the polling of the mailbox goes
///
/// 404 when no mailbox is configured, or none was tried yet.
#[utoipa::path(
    tag = "incoming mails",
    security(("client_credentials" = ["tickets:work"])),
    responses(
        (status = 200, description = "How far, and what is wrong", body = MailboxView),
        (status = 404, description = "No mailbox is read", body = Problem,
            content_type = "application/problem+json"),
    ),
)]
#[get("/inbound/mailbox")]
pub async fn get_inbound_mailbox(
    db: web::Data<Db>,
    poller: web::Data<Poller>,
    caller: Caller,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let missing = || AppError::NotFound("a mailbox that is polled");
    let name = poller.mailbox().ok_or_else(missing)?.to_owned();
    let found = db.read(move |conn| service::mailbox(conn, &name)).await?.ok_or_else(missing)?;
    Answer::ok(&MailboxView {
        mailbox: found.mailbox,
        last_uid: found.last_uid,
        seen_at: found.seen_at,
        error: found.error,
        error_since: found.error_since,
    })
}
