//! Uploads that can be resumed: tus 1.0.0 with the extensions *creation*, *expiration* and *termination*.
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, LOCATION};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, options, patch, post, web,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::super::files::{Files, NewFile};
use super::super::rules::{Metadata, hex};
use super::super::store::File;
use crate::auth::Caller;
use crate::http::{PathId, header_param, now};
use crate::kernel::{AppError, FileId, Permission, rfc3339};

const TUS: &str = "1.0.0";
const PIECE: &str = "application/offset+octet-stream";

/// A file that is sent in pieces.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadView {
    id: FileId,
    #[schema(example = "recording.mp4")]
    name: String,
    #[schema(example = "video/mp4")]
    media_type: String,
    /// Bytes that have arrived.
    #[schema(example = 4_194_304)]
    offset: i64,
    /// Bytes that it is to have.
    #[schema(example = 9_400_320)]
    length: i64,
    /// Of the whole file; `null` while something is missing.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    sha256: Option<String>,
    /// When it is forgotten, unless it is attached or goes on.
    #[serde(serialize_with = "rfc3339::option")]
    expires_at: Option<DateTime<Utc>>,
}

impl From<File> for UploadView {
    fn from(file: File) -> Self {
        Self {
            id: file.id,
            name: file.name,
            media_type: file.media_type,
            offset: file.size,
            length: file.length.unwrap_or(file.size),
            sha256: file.sha256.as_deref().map(hex),
            expires_at: file.expires_at,
        }
    }
}

/// What a client of tus says in headers, for the specification.
struct Creation;
struct Piece;

impl utoipa::IntoParams for Creation {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let metadata = "`filename`, `filetype` and `sha256` (64 hexadecimal digits), each with its value in base64.";
        vec![
            header_param("Upload-Length", true, "9400320", "Bytes of the whole file."),
            header_param("Upload-Metadata", false, "filename cmVjb3JkaW5nLm1wNA==", metadata),
        ]
    }
}

impl utoipa::IntoParams for Piece {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let offset = "Where in the file the bytes belong: as many as have arrived.";
        vec![header_param("Upload-Offset", true, "4194304", offset)]
    }
}

/// Begin an upload that can be resumed
///
/// As [tus 1.0.0](https://tus.io/protocols/resumable-upload) says, which Uppy, tus-js-client and others speak. When it is complete, it is
/// attached by its id; what is attached to nothing a day after the last byte is forgotten.
#[utoipa::path(
    tag = "attachments",
    params(Creation),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 201, description = "Send the bytes to `Location`", body = UploadView)),
)]
#[post("/uploads")]
pub async fn create_upload(
    request: HttpRequest,
    files: web::Data<Files>,
    caller: Caller,
) -> Result<HttpResponse, AppError> {
    caller.require(Permission::TicketsWrite)?;
    require_tus(request.headers())?;
    let length = number(request.headers(), "upload-length")?;
    let metadata = text(request.headers(), "upload-metadata").unwrap_or_default();
    let metadata = Metadata::parse(metadata)
        .map_err(|why| AppError::Malformed(format!("Upload-Metadata: {why}")))?;
    let new = NewFile {
        owner: caller.id,
        name: metadata.name,
        media_type: metadata.media_type,
        length: Some(length.unsigned_abs()),
        sha256: metadata.sha256,
    };
    let file = files.begin(new, now()).await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header((LOCATION, format!("/v1/uploads/{}", file.id)));
    tell(&mut answer, &file);
    Ok(answer.json(UploadView::from(file)))
}

/// Get how far an upload is
///
/// `HEAD` tells it in headers alone. One that is attached, or forgotten, is gone.
#[utoipa::path(
    tag = "attachments",
    params(("id" = FileId, Path)),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 200, description = "The upload", body = UploadView)),
)]
#[get("/uploads/{id}")]
pub async fn get_upload(
    files: web::Data<Files>,
    caller: Caller,
    id: PathId<FileId>,
) -> Result<HttpResponse, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let file = files.own(caller.id, id.0, now()).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((CACHE_CONTROL, "no-store"));
    tell(&mut answer, &file);
    Ok(answer.json(UploadView::from(file)))
}

/// Send bytes of an upload
///
/// As many as there are, or a piece. Where the connection breaks, ask for the offset and go on from there.
#[utoipa::path(
    tag = "attachments",
    params(("id" = FileId, Path), Piece),
    request_body(
        content = String,
        content_type = "application/offset+octet-stream",
        description = "The bytes from `Upload-Offset` on",
        example = "...",
    ),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 204, description = "Taken; `Upload-Offset` tells how many there are now")),
)]
#[patch("/uploads/{id}")]
pub async fn append_to_upload(
    request: HttpRequest,
    payload: web::Payload,
    files: web::Data<Files>,
    caller: Caller,
    id: PathId<FileId>,
) -> Result<HttpResponse, AppError> {
    caller.require(Permission::TicketsWrite)?;
    files.own(caller.id, id.0, now()).await?;
    require_tus(request.headers())?;
    if text(request.headers(), CONTENT_TYPE.as_str()) != Some(PIECE) {
        return Err(AppError::UnsupportedMediaType(PIECE));
    }
    let offset = number(request.headers(), "upload-offset")?;
    let file = files.append(id.0, offset, payload, now()).await?;
    let mut answer = HttpResponse::NoContent();
    tell(&mut answer, &file);
    Ok(answer.finish())
}

/// Delete an upload
///
/// What was sent of the file is forgotten. A file that is attached to a ticket already is no upload any more.
#[utoipa::path(
    tag = "attachments",
    params(("id" = FileId, Path)),
    security(("client_credentials" = ["tickets:write"])),
    responses((status = 204, description = "Deleted")),
)]
#[delete("/uploads/{id}")]
pub async fn delete_upload(
    files: web::Data<Files>,
    caller: Caller,
    id: PathId<FileId>,
) -> Result<HttpResponse, AppError> {
    caller.require(Permission::TicketsWrite)?;
    let file = files.own(caller.id, id.0, now()).await?;
    files.discard(file.id).await?;
    Ok(HttpResponse::NoContent().insert_header(("Tus-Resumable", TUS)).finish())
}

/// Get what uploads can do
///
/// The version and the extensions of tus that are spoken here, and how large a file may be.
#[utoipa::path(
    tag = "attachments",
    responses((status = 204, description = "In the headers `Tus-Version`, `Tus-Extension`, `Tus-Max-Size`")),
)]
#[options("/uploads")]
pub async fn list_upload_options(files: web::Data<Files>) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header(("Allow", "POST, OPTIONS"))
        .insert_header(("Tus-Resumable", TUS))
        .insert_header(("Tus-Version", TUS))
        .insert_header(("Tus-Extension", "creation,expiration,termination"))
        .insert_header(("Tus-Max-Size", files.limit().to_string()))
        .finish()
}

/// The headers of tus.
fn tell(answer: &mut HttpResponseBuilder, file: &File) {
    answer.insert_header(("Tus-Resumable", TUS));
    answer.insert_header(("Upload-Offset", file.size.to_string()));
    answer.insert_header(("Upload-Length", file.length.unwrap_or(file.size).to_string()));
    if let Some(expires_at) = file.expires_at {
        let date = expires_at.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        answer.insert_header(("Upload-Expires", date));
    }
}

/// A client that says which version it speaks must speak this one.
fn require_tus(headers: &HeaderMap) -> Result<(), AppError> {
    let spoken = text(headers, "tus-resumable");
    if spoken.is_none_or(|version| version == TUS) { Ok(()) } else { Err(AppError::TusVersion) }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A number of bytes; never negative.
fn number(headers: &HeaderMap, name: &str) -> Result<i64, AppError> {
    let value = text(headers, name).and_then(|text| text.trim().parse().ok());
    let refusal = || AppError::Malformed(format!("{name} must be a number of bytes"));
    value.filter(|number| *number >= 0).ok_or_else(refusal)
}
