//! What is attached to a ticket.
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest as _, HttpRequest, get, post, web};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::service;
use super::attachment_form::{self, AttachmentForm};
use crate::attachments::{AttachmentView, Content, FileLinks, Files, NewAttachment, file_name};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Idempotency, PageQuery, Params, PathId, now};
use crate::kernel::{Actor, AppError, FileId, Page, Permission, TicketId};
use crate::notes::NoteVisibility;

/// A link to a file that is kept elsewhere, or a file that was uploaded: one of `url` and `upload_id`.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "visibility": "public", "name": "screenshot.png", "url": "https://files.example/7f3a/screenshot.png",
}))]
pub struct AddAttachment {
    /// `public` is for the customer too; `internal` stays at the desk.
    #[garde(skip)]
    #[serde(default = "public")]
    visibility: NoteVisibility,
    /// As people call the file; an uploaded one has its own name when this is absent.
    #[garde(inner(length(chars, min = 1, max = 255), custom(one_line)))]
    #[schema(example = "screenshot.png", min_length = 1)]
    name: Option<String>,
    /// Where the file is: `https` or `http`.
    #[garde(inner(url, length(max = 2000), custom(web_address)))]
    #[schema(example = "https://files.example/7f3a/screenshot.png")]
    url: Option<String>,
    /// Your upload, which is complete.
    #[garde(skip)]
    #[schema(example = "0199f0c2-b1c9-7000-8000-0000000000f1")]
    upload_id: Option<FileId>,
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

impl AddAttachment {
    async fn resolved(self, files: &Files, owner: &Actor) -> Result<NewAttachment, AppError> {
        let Self { visibility, name, .. } = self;
        let (name, content) = match (self.url, self.upload_id) {
            (Some(url), None) => {
                let unnamed = || AppError::field("/name", "a link needs a name");
                (name.ok_or_else(unnamed)?, Content::Link(url))
            }
            (None, Some(id)) => {
                let wrong = |why: &str| AppError::field("/upload_id", why);
                let found = files.own(owner.id, id, now()).await.map_err(|error| match error {
                    AppError::NotFound(_) => wrong("you have no such upload"),
                    error => error,
                })?;
                let file = files.stored(found).ok_or_else(|| wrong("it is not complete"))?;
                let own = || file.name.clone();
                (name.as_deref().map_or_else(own, file_name), Content::File(file))
            }
            (None, None) => return Err(AppError::field("/url", "url or upload_id is missing")),
            (Some(_), Some(_)) => {
                return Err(AppError::field("/upload_id", "it is a link or an upload, not both"));
            }
        };
        Ok(NewAttachment { visibility, name, content })
    }
}

/// Attach a file or a link to a ticket
///
/// As `multipart/form-data` the file comes with the request, as it streams; what was uploaded before under `/v1/uploads`, and what stays
/// elsewhere, is named in JSON. Each is a line of the ticket's case in the CRM, with a link: whoever has the link to a public file
/// reads it, without a token.
#[utoipa::path(
    tag = "attachments",
    params(("id" = TicketId, Path), Idempotency),
    request_body(content(
        (AddAttachment = "application/json"),
        (AttachmentForm = "multipart/form-data"),
    )),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 201, description = "The attachment", body = AttachmentView)),
)]
#[post("/tickets/{id}/attachments")]
pub async fn add_attachment(
    request: HttpRequest,
    payload: web::Payload,
    db: web::Data<Db>,
    files: web::Data<Files>,
    caller: Caller,
    id: PathId<TicketId>,
    key: Idempotency,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsWrite)?;
    if !is_form(&request) {
        let body = Body::<AddAttachment>::from_request(&request, &mut payload.into_inner()).await?;
        let fingerprint = body.fingerprint.clone();
        let new = body.into_inner().resolved(&files, &caller).await?;
        return add(&db, files.links().clone(), caller, id.0, key, fingerprint, new).await;
    }
    let (asking, limit) = (caller.clone(), files.ticket_limit());
    db.read(move |conn| service::may_attach(conn, &asking, id.0, limit)).await?;
    let (new, file, fingerprint) =
        attachment_form::read(&request, payload, &files, &caller).await?;
    let added = add(&db, files.links().clone(), caller, id.0, key, fingerprint, new).await;
    // Refused, or the answer of an earlier request; attached, it stays.
    files.give_up(file).await;
    added
}

fn is_form(request: &HttpRequest) -> bool {
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("multipart/form-data")
}

async fn add(
    db: &Db,
    links: FileLinks,
    caller: Caller,
    id: TicketId,
    key: Idempotency,
    fingerprint: Vec<u8>,
    new: NewAttachment,
) -> Result<Answer, AppError> {
    db.tx(move |conn| {
        key.once(conn, caller.id, &fingerprint, |conn| {
            let (added, ticket) = service::attach(conn, &caller, id, new, now())?;
            let location = format!("/v1/tickets/{id}/attachments");
            // The ETag is the ticket's: an attachment moves its version.
            let view = AttachmentView::of(added, &links);
            Ok(Answer::created(location, &view)?.version(ticket.row.version))
        })
    })
    .await
}

/// List a ticket's attachments, oldest first
///
/// A contact sees the public ones.
#[utoipa::path(
    tag = "attachments",
    params(("id" = TicketId, Path), PageQuery),
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "A page of attachments", body = Page<AttachmentView>)),
)]
#[get("/tickets/{id}/attachments")]
pub async fn list_attachments(
    db: web::Data<Db>,
    files: web::Data<Files>,
    caller: Caller,
    id: PathId<TicketId>,
    query: Params<PageQuery>,
) -> Result<Answer, AppError> {
    let page = query.request(&format!("attachments {}", id.0))?;
    let found = db.read(move |conn| service::attachments(conn, &caller, id.0, &page)).await?;
    Answer::page(&found.map(|row| AttachmentView::of(row, files.links())))
}
