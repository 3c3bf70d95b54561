//! Files that are given out: to who may see the ticket, and to who has a signed link.
//!
//! What strangers sent must not run in the browser of who opens it: it is saved unless showing it was asked for and is harmless, has a
//! type of a list or none, which browsers must not guess (`nosniff`), and whatever is shown is in a sandbox.
use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, TimeDelta, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use super::super::service;
use crate::attachments::{
    Asked, Attached, File, Files, asked, content_disposition, hex, may_be_shown, served_as,
};
use crate::auth::Caller;
use crate::db::Db;
use crate::http::{Answer, Body, Params, PathId, header_param, now, seen};
use crate::kernel::{AppError, AttachmentId, Permission, rfc3339};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Disposition {
    /// To be saved.
    #[default]
    Attachment,
    /// To be shown, where that is harmless: pictures and PDF.
    Inline,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FileQuery {
    /// What a browser does with it.
    #[serde(default)]
    #[param(inline, example = "attachment", required = false)]
    disposition: Disposition,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LinkedFileQuery {
    /// The signature of the link. Not in the path, which is logged.
    #[param(example = "AZnwwrHJcACAAAAAAAAAoQAAAABrSZ0A3q2-7w")]
    token: String,
    /// What a browser does with it.
    #[serde(default)]
    #[param(inline, example = "attachment", required = false)]
    disposition: Disposition,
}

/// The headers that choose bytes, for the specification.
struct RangeHeader;

impl IntoParams for RangeHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header_param("Range", false, "bytes=0-1023", "One range of bytes (RFC 9110).")]
    }
}

/// Get the content of an attached file
///
/// One range of bytes at a time, with `Range`. What could run in a browser is given out as `application/octet-stream`.
#[utoipa::path(
    tag = "attachments",
    params(("id" = AttachmentId, Path), FileQuery, RangeHeader),
    security(("client_credentials" = ["tickets:read"])),
    responses(
        (status = 200, description = "The file", body = String, content_type = "application/octet-stream", example = "..."),
        (status = 206, description = "The range", body = String, content_type = "application/octet-stream", example = "..."),
        (status = 304, description = "You have it"),
    ),
)]
#[get("/attachments/{id}/content")]
pub async fn get_attachment_content(
    request: HttpRequest,
    db: web::Data<Db>,
    files: web::Data<Files>,
    caller: Caller,
    id: PathId<AttachmentId>,
    query: Params<FileQuery>,
) -> Result<HttpResponse, AppError> {
    caller.require(Permission::TicketsRead)?;
    let found = db.read(move |conn| service::attachment(conn, &caller, id.0)).await?;
    give_out(&request, &files, found, query.disposition).await
}

/// How long a link serves.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkAttachment {
    /// From a minute to seven days.
    #[garde(range(min = 60, max = 604_800))]
    #[serde(default = "an_hour")]
    #[schema(example = 3600, minimum = 60, maximum = 604_800)]
    seconds: u32,
}

fn an_hour() -> u32 {
    3600
}

/// A link that needs no token.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileLink {
    /// Whoever has it reads the file until then.
    #[schema(
        example = "https://desk.example/v1/files/content?token=AZnwwrHJcACAAAAAAAAAoQAAAABrSZ0A3q2-7w"
    )]
    url: String,
    #[serde(serialize_with = "rfc3339::serialize")]
    expires_at: DateTime<Utc>,
}

/// Make a link to an attached file that needs no token
///
/// For `<img>`, for a download in a browser, for a mail. It cannot be revoked, so let it be short; it ends with the ticket's deletion.
#[utoipa::path(
    tag = "attachments",
    params(("id" = AttachmentId, Path)),
    request_body = LinkAttachment,
    security(("client_credentials" = ["tickets:read"])),
    responses((status = 200, description = "The link", body = FileLink)),
)]
#[post("/attachments/{id}/link")]
pub async fn link_attachment(
    db: web::Data<Db>,
    files: web::Data<Files>,
    caller: Caller,
    id: PathId<AttachmentId>,
    body: Body<LinkAttachment>,
) -> Result<Answer, AppError> {
    caller.require(Permission::TicketsRead)?;
    let found = db.read(move |conn| service::attachment(conn, &caller, id.0)).await?;
    let (attachment, _) = file_of(found)?;
    let until = now() + TimeDelta::seconds(i64::from(body.seconds));
    let expires_at = DateTime::from_timestamp(until.timestamp(), 0).unwrap_or(until);
    Answer::ok(&FileLink { url: files.links().expiring(attachment, expires_at), expires_at })
}

/// Get a file by its link
///
/// As `POST /v1/attachments/{id}/link` made it, or as it stands in a case of the CRM. Needs no token.
#[utoipa::path(
    tag = "attachments",
    params(LinkedFileQuery, RangeHeader),
    responses(
        (status = 200, description = "The file", body = String, content_type = "application/octet-stream", example = "..."),
        (status = 206, description = "The range", body = String, content_type = "application/octet-stream", example = "..."),
        (status = 304, description = "You have it"),
    ),
)]
#[get("/files/content")]
pub async fn read_linked_file(
    request: HttpRequest,
    db: web::Data<Db>,
    files: web::Data<Files>,
    query: Params<LinkedFileQuery>,
) -> Result<HttpResponse, AppError> {
    let gone = || AppError::NotFound("a file under this link, which may have expired,");
    let id = files.links().read(&query.token, now()).ok_or_else(gone)?;
    let found = db.read(move |conn| service::linked_attachment(conn, id)).await?;
    give_out(&request, &files, found, query.disposition).await
}

fn file_of((attachment, file): Attached) -> Result<(AttachmentId, (String, File)), AppError> {
    let link = AppError::NotFound("a file of this attachment, which is a link,");
    Ok((attachment.id, (attachment.name, file.ok_or(link)?)))
}

async fn give_out(
    request: &HttpRequest,
    files: &Files,
    found: Attached,
    wanted: Disposition,
) -> Result<HttpResponse, AppError> {
    let (_, (name, file)) = file_of(found)?;
    let etag = format!("\"{}\"", hex(file.sha256.as_deref().unwrap_or_default()));
    if seen(request, &etag) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish());
    }
    let length = u64::try_from(file.size).map_err(AppError::internal)?;
    let (range, mut answer) = match asked(range_of(request, &etag), length) {
        Asked::Whole => (0..length, HttpResponse::Ok()),
        Asked::Nothing => return Err(AppError::RangeNotSatisfiable(length)),
        Asked::Part(part) => {
            let mut answer = HttpResponse::PartialContent();
            let told = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            answer.insert_header((header::CONTENT_RANGE, told));
            (part, answer)
        }
    };
    let shown = wanted == Disposition::Inline && may_be_shown(&file.media_type);
    answer
        .insert_header((header::CONTENT_TYPE, served_as(&file.media_type)))
        .insert_header((header::CONTENT_DISPOSITION, content_disposition(shown, &name)))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::ETAG, etag));
    let size = range.end - range.start;
    Ok(answer.body(SizedStream::new(size, files.read(file.id, range).await?)))
}

/// What is asked for, unless it was asked of another content (`If-Range`, RFC 9110, section 13.1.5).
fn range_of<'a>(request: &'a HttpRequest, etag: &str) -> Option<&'a str> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let same = text(header::IF_RANGE).is_none_or(|condition: &str| condition == etag);
    text(header::RANGE).filter(|_| same)
}
