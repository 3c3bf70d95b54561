//! A file that comes with the request that attaches it: `multipart/form-data` (RFC 7578), read as it arrives.
use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{HttpRequest, web};
use futures_util::stream::TryStreamExt as _;
use utoipa::ToSchema;

use crate::attachments::{
    Content, Files, NewAttachment, NewFile, StoredFile, essence, file_name, sum,
};
use crate::http::{fingerprint, now};
use crate::kernel::{Actor, AppError, FileId};
use crate::notes::NoteVisibility;

/// Bytes of a field other than the file.
const FIELD: usize = 4096;
/// Bytes of a form beside its file, at the most.
const OVERHEAD: u64 = 64 << 10;

/// A file with what is said of it, in any order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is read field by field; this says which there are")]
pub struct AttachmentForm {
    /// One file, with its name and its type.
    #[schema(value_type = String, format = Binary, example = "...")]
    file: (),
    /// `public`, unless it says `internal`.
    visibility: Option<NoteVisibility>,
    /// Instead of the file's own name.
    #[schema(example = "screenshot.png")]
    name: Option<String>,
    /// What the file's SHA-256 must be: 64 hexadecimal digits.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    sha256: Option<String>,
}

#[derive(Default)]
struct Read {
    file: Option<StoredFile>,
    visibility: Option<NoteVisibility>,
    name: Option<String>,
    sha256: Option<Vec<u8>>,
}

/// Stores the file, and tells what is to be attached, and what the request was. Nothing is left of the file when this fails.
pub async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    files: &Files,
    caller: &Actor,
) -> Result<(NewAttachment, FileId, Vec<u8>), AppError> {
    refuse_too_large(request, files)?;
    let mut form = Multipart::new(request.headers(), payload);
    let mut read = Read::default();
    let mut work = async || -> Result<(), AppError> {
        while let Some(field) = form.try_next().await.map_err(malformed)? {
            read.take(field, files, caller).await?;
        }
        Ok(())
    };
    let done = work().await;
    let file = read.file.clone();
    let new = done.and_then(|()| read.attachment());
    match (new, file) {
        (Ok(new), Some(file)) => {
            let said = format!("{:?} {} {:?}", new.visibility, new.name, file.sha256);
            Ok((new, file.id, fingerprint(request, said.as_bytes())))
        }
        (Err(error), Some(file)) => {
            files.give_up(file.id).await;
            Err(error)
        }
        (new, None) => Err(new.err().unwrap_or_else(missing)),
    }
}

fn missing() -> AppError {
    AppError::field("/file", "the form has no file")
}

fn malformed(error: MultipartError) -> AppError {
    AppError::Malformed(format!("the form cannot be read: {error}"))
}

/// Who says before how much comes is told before.
fn refuse_too_large(request: &HttpRequest, files: &Files) -> Result<(), AppError> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length: Option<u64> = length.and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > files.limit().saturating_add(OVERHEAD)) {
        return Err(AppError::FileTooLarge(files.limit()));
    }
    Ok(())
}

impl Read {
    async fn take(
        &mut self,
        mut field: Field,
        files: &Files,
        caller: &Actor,
    ) -> Result<(), AppError> {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" if self.file.is_some() => {
                return Err(AppError::field("/file", "one file at a time"));
            }
            "file" => self.file = Some(files.store(described(&field, caller), field, now()).await?),
            "visibility" => {
                let wrong = || AppError::field("/visibility", "must be public or internal");
                let parsed = NoteVisibility::parse(text(&mut field).await?.trim());
                self.visibility = Some(parsed.ok_or_else(wrong)?);
            }
            "name" => self.name = Some(text(&mut field).await?),
            "sha256" => {
                let wrong = || AppError::field("/sha256", "must be 64 hexadecimal digits");
                self.sha256 = Some(sum(&text(&mut field).await?).ok_or_else(wrong)?);
            }
            _ => return Err(AppError::field(format!("/{name}"), "unknown field")),
        }
        Ok(())
    }

    fn attachment(self) -> Result<NewAttachment, AppError> {
        let file = self.file.ok_or_else(missing)?;
        if self.sha256.is_some_and(|expected| expected != file.sha256) {
            return Err(AppError::field("/sha256", "the file has another SHA-256; send it again"));
        }
        let own = || file.name.clone();
        Ok(NewAttachment {
            visibility: self.visibility.unwrap_or(NoteVisibility::Public),
            name: self.name.as_deref().map_or_else(own, file_name),
            content: Content::File(file),
        })
    }
}

/// The file as the head of its part describes it.
fn described(field: &Field, caller: &Actor) -> NewFile {
    let given = field.content_disposition();
    let extended = given.and_then(|given| given.get_filename_ext());
    let extended = extended.map(|name| String::from_utf8_lossy(&name.value).into_owned());
    let plain = given.and_then(|given| given.get_filename()).map(str::to_owned);
    let media_type = field.content_type().map(|kind| kind.essence_str());
    NewFile {
        owner: caller.id,
        name: file_name(&extended.or(plain).unwrap_or_default()),
        media_type: essence(media_type.unwrap_or_default()),
        length: None,
        sha256: None,
    }
}

async fn text(field: &mut Field) -> Result<String, AppError> {
    let bytes = field.bytes(FIELD).await.map_err(|_| AppError::TooLarge(FIELD))?;
    String::from_utf8(bytes.map_err(malformed)?.to_vec())
        .map_err(|_| AppError::Malformed("a field of the form is not in UTF-8".into()))
}
