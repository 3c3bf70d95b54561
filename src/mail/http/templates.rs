//! The texts of mails.
use actix_web::{delete, get, post, put, web};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::service::{self, TemplateText};
use super::super::templates::{Rendered, Source};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, IfMatch, now};
use crate::kernel::{AppError, Permission, TicketId};

/// The text that mails of a kind have in a language.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailTemplateView {
    #[schema(example = "ticket_reply")]
    key: &'static str,
    /// What it is for.
    #[schema(example = "What the desk answers on a ticket, for the customer")]
    purpose: &'static str,
    /// A language tag (BCP 47).
    #[schema(example = "en")]
    language: String,
    #[schema(example = "Re: {{ ticket.subject }} [{{ ticket.number }}]")]
    subject: String,
    #[schema(example = "Hello {{ recipient.name }},\n\n{{ note.text }}")]
    text: String,
    /// What stands in the frame that all mails have.
    #[schema(example = "<p>Hello {{ recipient.name }},</p>{{ note.html }}")]
    html: String,
    /// False while it is the text that the program brings.
    customized: bool,
    /// 0 of the text that the program brings.
    #[schema(example = 0)]
    version: i32,
    updated_at: Option<DateTime<Utc>>,
    #[schema(example = "Administrator")]
    updated_by: Option<String>,
}

impl From<TemplateText> for MailTemplateView {
    fn from(text: TemplateText) -> Self {
        let (updated_at, updated_by) = text.updated.unzip();
        Self {
            key: text.key,
            purpose: text.purpose,
            language: text.language,
            subject: text.source.subject,
            text: text.source.text,
            html: text.source.html,
            customized: text.version > 0,
            version: text.version,
            updated_at,
            updated_by,
        }
    }
}

/// The texts of mails.
#[derive(Debug, Serialize, ToSchema)]
struct MailTemplates {
    items: Vec<MailTemplateView>,
}

/// List the texts of mails
///
/// Every kind of mail, in every language that it has.
#[utoipa::path(
    tag = "mail templates",
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The texts, by key and language", body = MailTemplates)),
)]
#[get("/mail-templates")]
pub async fn list_mail_templates(db: web::Data<Db>, caller: Caller) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let texts = db.read(move |conn| service::templates(conn, &caller)).await?;
    Answer::ok(&MailTemplates { items: texts.into_iter().map(MailTemplateView::from).collect() })
}

type At = web::Path<(String, String)>;

/// Get the text of a kind of mail in a language
///
/// The desk's own text, or the one that comes with the service when there is none.
#[utoipa::path(
    tag = "mail templates",
    params(
        ("key" = String, Path, example = "ticket_reply"),
        ("language" = String, Path, description = "A language tag (BCP 47)", example = "en"),
    ),
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The text", body = MailTemplateView)),
)]
#[get("/mail-templates/{key}/{language}")]
pub async fn get_mail_template(
    db: web::Data<Db>,
    caller: Caller,
    at: At,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let (key, language) = at.into_inner();
    let text = db.quiet_tx(move |conn| service::template(conn, &caller, &key, &language)).await?;
    let version = text.version;
    Ok(Answer::ok(&MailTemplateView::from(text))?.version(version))
}

/// A text of mails: Jinja templates.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailTemplateText {
    #[garde(length(chars, min = 1, max = 500))]
    #[schema(example = "Re: {{ ticket.subject }} [{{ ticket.number }}]")]
    subject: String,
    #[garde(length(chars, min = 1, max = 20_000))]
    #[schema(example = "Hello {{ recipient.name }},\n\n{{ note.text }}\n\n{{ note.author }}")]
    text: String,
    /// What stands in the frame that all mails have. Data are escaped.
    #[garde(length(chars, min = 1, max = 50_000))]
    #[schema(
        example = "<p>Hello {{ recipient.name }},</p><div>{{ note.html }}</div><p>{{ note.author }}</p>"
    )]
    html: String,
}

impl MailTemplateText {
    fn source(self) -> Source {
        Source { subject: self.subject, text: self.text, html: self.html }
    }
}

/// Write the text of a kind of mail in a language
///
/// In the place of the one that is in use; the language may be new. Each part is a Jinja template. It is refused, with what is
/// wrong, when it cannot be rendered with the data that such mails have.
#[utoipa::path(
    tag = "mail templates",
    params(
        ("key" = String, Path, example = "ticket_reply"),
        ("language" = String, Path, description = "A language tag (BCP 47)", example = "en"),
        IfMatch,
    ),
    request_body = MailTemplateText,
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 200, description = "The text as it is now", body = MailTemplateView)),
)]
#[put("/mail-templates/{key}/{language}")]
pub async fn put_mail_template(
    db: web::Data<Db>,
    caller: Caller,
    at: At,
    seen: IfMatch,
    body: Body<MailTemplateText>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let ((key, language), source) = (at.into_inner(), body.into_inner().source());
    if !is_language(&language) {
        return Err(AppError::Malformed("the language must be a tag such as en or pt-BR".into()));
    }
    let put = move |conn: &mut _| {
        service::put_template(conn, &caller, (&key, &language), seen, source, now())
    };
    let text = db.quiet_tx(put).await?;
    let version = text.version;
    Ok(Answer::ok(&MailTemplateView::from(text))?.version(version))
}

/// The shape of a language tag (BCP 47).
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let main = parts.next().unwrap_or_default();
    (2..=3).contains(&main.len())
        && main.bytes().all(|byte| byte.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// Go back to the text that the program brings
///
/// A language that the program does not bring is gone; mails fall back to its main language, and to English.
#[utoipa::path(
    tag = "mail templates",
    params(
        ("key" = String, Path, example = "ticket_reply"),
        ("language" = String, Path, description = "A language tag (BCP 47)", example = "en"),
        IfMatch,
    ),
    security(("client_credentials" = ["workflow:write"])),
    responses((status = 204, description = "The own text is gone")),
)]
#[delete("/mail-templates/{key}/{language}")]
pub async fn reset_mail_template(
    db: web::Data<Db>,
    caller: Caller,
    at: At,
    seen: IfMatch,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowWrite)?;
    let (key, language) = at.into_inner();
    db.quiet_tx(move |conn| service::reset_template(conn, &caller, (&key, &language), seen))
        .await?;
    Ok(Answer::no_content())
}

/// What is to be rendered.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewMailTemplate {
    /// A text that is not in use yet; the one that is in use when absent.
    #[garde(dive)]
    #[schema(example = json!(null))]
    draft: Option<MailTemplateText>,
    /// The ticket whose number and texts are shown; made-up ones when absent.
    #[garde(skip)]
    #[schema(example = json!(null))]
    ticket_id: Option<TicketId>,
}

/// A mail as its template renders it.
#[derive(Debug, Serialize, ToSchema)]
struct MailPreview {
    #[schema(example = "Re: The printer on floor 3 does not print [CB-1042]")]
    subject: String,
    #[schema(example = "Hello Ann Lee,\n\nPlease switch it off and on again.\n")]
    text: String,
    /// The whole page.
    #[schema(example = "<!doctype html>")]
    html: String,
}

impl From<Rendered> for MailPreview {
    fn from(rendered: Rendered) -> Self {
        Self { subject: rendered.subject, text: rendered.text, html: rendered.html }
    }
}

/// Preview a mail
///
/// Renders the text that is in use, or a draft, with made-up data, and with a ticket's own where one is named. Nothing is sent.
#[utoipa::path(
    tag = "mail templates",
    params(
        ("key" = String, Path, example = "ticket_reply"),
        ("language" = String, Path, description = "A language tag (BCP 47)", example = "en"),
    ),
    request_body = PreviewMailTemplate,
    security(("client_credentials" = ["workflow:read"])),
    responses((status = 200, description = "The mail", body = MailPreview)),
)]
#[post("/mail-templates/{key}/{language}/preview")]
pub async fn preview_mail_template(
    db: web::Data<Db>,
    caller: Caller,
    at: At,
    body: Body<PreviewMailTemplate>,
) -> Result<Answer, AppError> {
    caller.require(Permission::WorkflowRead)?;
    let ((key, language), wanted) = (at.into_inner(), body.into_inner());
    let draft = wanted.draft.map(MailTemplateText::source);
    let preview = move |conn: &mut _| {
        service::preview(conn, &caller, (&key, &language), draft, wanted.ticket_id)
    };
    Answer::ok(&MailPreview::from(db.quiet_tx(preview).await?))
}
