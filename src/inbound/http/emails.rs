//! Mails as they come in, and what became of them.
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::Intake;
use super::super::rules::MailState;
use super::super::service::{self, Delivery};
use super::view::{EmailView, WholeEmail};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, PathId, now};
use crate::kernel::{AppError, InboundMailId, Page, PageRequest, Permission, TicketId};

const TYPE: &str = "message/rfc822";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MailboxQuery {
    /// Where the mail was delivered, by a name of yours; `api` when it is left out. The same mail is taken once for each.
    #[param(example = "support@desk.example", max_length = 200)]
    mailbox: Option<String>,
}

/// Take in a mail
///
/// The mail as it came over the wire, of 25 MiB at the most unless `inbound_bytes_max` says otherwise. By its `Message-ID` it is taken
/// once: sent again, it changes nothing and gets the same answer. It becomes a reply to the ticket that it answers, a new ticket, or it
/// is quarantined or ignored with the cause.
#[utoipa::path(
    tag = "incoming mails",
    params(MailboxQuery),
    request_body(
        content = String,
        content_type = "message/rfc822",
        description = "RFC 5322, with any MIME",
        example = "From: purchasing@customer.example\r\nTo: support@desk.example\r\nMessage-ID: <1@customer.example>\r\nSubject: Export\r\n\r\nIt stops.\r\n",
    ),
    security(("client_credentials" = ["mail:receive"])),
    responses((status = 200, description = "What became of it", body = EmailView)),
)]
#[post("/inbound/emails")]
pub async fn receive_email(
    intake: web::Data<Intake>,
    caller: Caller,
    query: Params<MailboxQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Answer, AppError> {
    caller.require(Permission::MailReceive)?;
    let given = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !given.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(TYPE) {
        return Err(AppError::UnsupportedMediaType(TYPE));
    }
    let mailbox = query.0.mailbox.unwrap_or_else(|| "api".into());
    if mailbox.is_empty() || mailbox.chars().count() > 200 {
        return Err(AppError::Malformed("mailbox must have 1 to 200 characters".into()));
    }
    let _room = intake.room().await?;
    let most = intake.bytes_max();
    let raw = payload.to_bytes_limited(most).await.map_err(|_| AppError::TooLarge(most))?;
    let raw = raw.map_err(|e| AppError::Malformed(e.to_string()))?;
    if raw.is_empty() {
        return Err(AppError::Malformed("the body must be a mail".into()));
    }
    let (mail, _) = intake.take(Delivery::whole(mailbox, raw.into()), now()).await?;
    Answer::ok(&EmailView::of(mail)?)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EmailQuery {
    /// Only mails of which this became.
    state: Option<MailState>,
    /// Only mails on this ticket.
    ticket: Option<TicketId>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List the mails that came in, latest first
///
/// Those on the tickets that the caller may see; those on none only for who sees every ticket.
#[utoipa::path(
    tag = "incoming mails",
    params(EmailQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "A page of mails", body = Page<EmailView>)),
)]
#[get("/inbound/emails")]
pub async fn list_emails(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<EmailQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let Params(EmailQuery { state, ticket, limit, cursor }) = query;
    let page = PageRequest::new(limit, cursor.as_deref(), &format!("emails {state:?} {ticket:?}"))?;
    let found = db.read(move |conn| service::list(conn, &caller, (state, ticket), &page)).await?;
    Answer::page(&found.try_map(EmailView::of)?)
}

/// Get a mail that came in, with its text
///
/// What was read of the mail, what became of it, and why. The mail as it came is at `/original`.
#[utoipa::path(
    tag = "incoming mails",
    params(("id" = InboundMailId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The mail", body = WholeEmail)),
)]
#[get("/inbound/emails/{id}")]
pub async fn get_email(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<InboundMailId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let read = db.read(move |conn| {
        let mail = service::get(conn, &caller, id.0)?;
        let raw = match service::original(conn, &caller, id.0) {
            Ok(raw) => Some(raw),
            Err(AppError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        WholeEmail::of(mail, raw.as_deref())
    });
    Answer::ok(&read.await?)
}

/// Get a mail as it came in
///
/// 404 when it is not kept any more: a redaction on its ticket takes it.
#[utoipa::path(
    tag = "incoming mails",
    params(("id" = InboundMailId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((
        status = 200,
        description = "The mail",
        body = String,
        content_type = "message/rfc822",
        example = "From: purchasing@customer.example\r\nSubject: Export\r\n\r\nIt stops.\r\n",
    )),
)]
#[get("/inbound/emails/{id}/original")]
pub async fn get_email_original(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<InboundMailId>,
) -> Result<HttpResponse, AppError> {
    caller.require(Permission::TicketsWork)?;
    let raw = db.read(move |conn| service::original(conn, &caller, id.0)).await?;
    // A browser neither shows it nor guesses what it may be.
    Ok(HttpResponse::Ok()
        .content_type(TYPE)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}.eml\"", id.0)))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(raw))
}
