//! Files that belong to a ticket.
use actix_web::{get, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::service;
use crate::attachments::{AttachmentView, NewAttachment};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, PageQuery, Params, PathId, now};
use crate::kernel::{AppError, Page, Permission, TicketId};
use crate::notes::NoteVisibility;

/// A link to a file that is kept elsewhere.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddAttachment {
    /// `public` is for the customer too; `internal` stays at the desk.
    #[garde(skip)]
    #[serde(default = "public")]
    visibility: NoteVisibility,
    /// As people call the file.
    #[garde(length(chars, min = 1, max = 255), custom(one_line))]
    #[schema(example = "screenshot.png", min_length = 1)]
    name: String,
    /// Where the file is: `https` or `http`.
    #[garde(url, length(max = 2000), custom(web_address))]
    #[schema(example = "https://files.example/7f3a/screenshot.png")]
    url: String,
}

fn public() -> NoteVisibility {
    NoteVisibility::Public
}

fn one_line(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(garde::Error::new("is not one line of text"));
    }
    Ok(())
}

/// What people click must not run in their browser.
fn web_address(url: &str, (): &()) -> garde::Result {
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    if !["https", "http"].contains(&scheme.as_str()) || url.chars().any(char::is_whitespace) {
        return Err(garde::Error::new("must begin with https:// or http://"));
    }
    Ok(())
}

/// Attach a link to a ticket
///
/// The file stays where it is. Each link is a line of the ticket's case in the CRM.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), Idempotency),
    request_body = AddAttachment,
    security(("bearer" = ["tickets:write"]), ("client_credentials" = ["tickets:write"])),
    responses((status = 201, description = "The attachment", body = AttachmentView)),
)]
#[post("/tickets/{id}/attachments")]
pub async fn add_attachment(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
    body: Body<AddAttachment>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let (fingerprint, body) = (body.fingerprint.clone(), body.into_inner());
    let new = NewAttachment { visibility: body.visibility, name: body.name, url: body.url };
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let (added, ticket) = service::attach(conn, &caller, id.0, new, now())?;
            let location = format!("/v1/tickets/{}/attachments", id.0);
            // The ETag is the ticket's: an attachment moves its version.
            let view = AttachmentView::from(added);
            Ok(Answer::created(location, &view)?.version(ticket.row.version))
        })
    })
    .await
}

/// List a ticket's attachments, oldest first
///
/// A contact sees the public ones.
#[utoipa::path(
    tag = "tickets",
    params(("id" = TicketId, Path), PageQuery),
    security(("bearer" = ["tickets:read"]), ("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of attachments", body = Page<AttachmentView>)),
)]
#[get("/tickets/{id}/attachments")]
pub async fn list_attachments(
    db: web::Data<Db>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    let page = query.request(&format!("attachments {}", id.0))?;
    let found = db.read(move |conn| service::attachments(conn, &caller, id.0, &page)).await?;
    Answer::page(&found.map(AttachmentView::from))
}
