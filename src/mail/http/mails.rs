//! The mails that go out.
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::rules::{Address, MailState};
use super::super::service;
use super::super::store::{MailFilter, OutgoingMail};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Params, PathId, now};
use crate::kernel::{AppError, MailId, NoteId, Page, PageRequest, Permission, TicketId};

/// A mail that goes out, without what it says.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailSummary {
    id: MailId,
    /// Null of a mail that is about no single ticket.
    ticket_id: Option<TicketId>,
    /// The note that it carries.
    note_id: Option<NoteId>,
    to: Address,
    cc: Vec<Address>,
    #[schema(example = "Re: The printer on floor 3 does not print [CB-1042]")]
    subject: String,
    /// Nobody wrote it by hand.
    automatic: bool,
    state: MailState,
    /// Why it is not sent, who did not get it, or that it did not arrive.
    #[schema(example = "10 automatic mails went to ann@customer.example within 3 hours")]
    reason: Option<String>,
    /// Attempts that the mail server answered with a refusal.
    #[schema(example = 0)]
    attempts: i32,
    /// When the next attempt is due; null when there is none.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Given with the first attempt.
    #[schema(
        example = "cb-t0199f0c2b1c970008000000000000009-0199f0c2b1c970008000000000000200-00000000000000000000000000000000@desk.example"
    )]
    message_id: Option<String>,
    created_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
}

/// A mail that goes out.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailView {
    #[serde(flatten)]
    summary: MailSummary,
    #[schema(example = "Hello Ann Lee,\n\nPlease switch it off and on again.\n")]
    text: String,
    /// Null of a mail in plain text, and when something was taken out of its text.
    #[schema(example = "<p>Hello Ann Lee,</p>")]
    html: Option<String>,
}

impl MailSummary {
    fn new(mail: OutgoingMail) -> Result<Self, AppError> {
        let waits = matches!(mail.state, MailState::Queued | MailState::Sending);
        Ok(Self {
            id: mail.id,
            ticket_id: mail.ticket_id,
            note_id: mail.note_id,
            to: Address { name: mail.to_name, email: mail.to_email },
            cc: serde_json::from_value(mail.cc).map_err(AppError::internal)?,
            subject: mail.subject,
            automatic: mail.automatic,
            state: mail.state,
            reason: mail.reason,
            attempts: mail.attempts,
            next_attempt_at: waits.then_some(mail.due_at),
            message_id: mail.message_id,
            created_at: mail.created_at,
            sent_at: mail.sent_at,
        })
    }
}

impl MailView {
    fn new(mut mail: OutgoingMail) -> Result<Self, AppError> {
        let (text, html) = (std::mem::take(&mut mail.text_body), mail.html_body.take());
        Ok(Self { summary: MailSummary::new(mail)?, text, html })
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct MailQuery {
    ticket_id: Option<TicketId>,
    /// Mails that carry this note.
    note_id: Option<NoteId>,
    state: Option<MailState>,
    /// The addressee, without regard to case.
    #[param(example = "ann@customer.example")]
    to: Option<String>,
    /// Items on a page; 50 when absent, 100 at the most.
    #[param(minimum = 1)]
    limit: Option<i64>,
    /// `next` or `prev` of another page.
    cursor: Option<String>,
}

/// List the mails that go out, newest first
///
/// Those of the tickets that you see, in every state: what waits, what was sent, and what was not and why. Without a mail server
/// they stay `queued`. Mails of no single ticket are for who sees all tickets.
#[utoipa::path(
    tag = "mails",
    params(MailQuery),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "A page of mails", body = Page<MailSummary>)),
)]
#[get("/mails")]
pub async fn list_mails(
    db: web::Data<Db>,
    caller: Caller,
    query: Params<MailQuery>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let query = query.0;
    let filter = MailFilter {
        ticket: query.ticket_id,
        note: query.note_id,
        state: query.state,
        to: query.to,
    };
    let binding = format!("mails {filter:?}");
    let request = PageRequest::new(query.limit, query.cursor.as_deref(), &binding)?;
    let page = db.read(move |conn| service::list(conn, &caller, filter.clone(), &request)).await?;
    Answer::page(&page.try_map(MailSummary::new)?)
}

/// Get a mail
///
/// With its text and its HTML as they are sent; only the marker that says to which conversation a reply belongs is added.
#[utoipa::path(
    tag = "mails",
    params(("id" = MailId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The mail", body = MailView)),
)]
#[get("/mails/{id}")]
pub async fn get_mail(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<MailId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let mail = db.read(move |conn| service::get(conn, &caller, id.0)).await?;
    Answer::ok(&MailView::new(mail)?)
}

/// Try a mail again
///
/// One that is `held`, `suppressed` or `dead` goes back into the queue; one that is `queued` is due at once. The limit of
/// automatic mails does not apply to it any more. A suppressed address must be lifted first.
#[utoipa::path(
    tag = "mails",
    params(("id" = MailId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The mail, queued", body = MailView)),
)]
#[post("/mails/{id}/retry")]
pub async fn retry_mail(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<MailId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let mail = db.quiet_tx(move |conn| service::retry(conn, &caller, id.0, now())).await?;
    Answer::ok(&MailView::new(mail)?)
}

/// Cancel a mail
///
/// It is not sent any more. A mail that was sent, or is being sent at the moment, cannot be called back.
#[utoipa::path(
    tag = "mails",
    params(("id" = MailId, Path)),
    security(("client_credentials" = ["tickets:work"])),
    responses((status = 200, description = "The cancelled mail", body = MailView)),
)]
#[post("/mails/{id}/cancel")]
pub async fn cancel_mail(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<MailId>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWork)?;
    let mail = db.quiet_tx(move |conn| service::cancel(conn, &caller, id.0, now())).await?;
    Answer::ok(&MailView::new(mail)?)
}
