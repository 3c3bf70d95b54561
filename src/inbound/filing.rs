//! The files of mails that were taken: each is stored, and then attached to the ticket.
use std::convert::Infallible;

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream;
use uuid::Uuid;

use super::intake::Intake;
use super::rules::file_at;
use super::service;
use super::store::{self, Unfiled};
use crate::attachments::{Files, NewFile, essence, file_name};
use crate::db::LEASE;
use crate::kernel::AppError;

/// Bytes that are handed over at a time.
const PIECE: usize = 1 << 20;

/// Attaches what came with mails; cheap to clone.
#[derive(Clone)]
pub struct Filing {
    intake: Intake,
    files: Files,
}

impl Filing {
    pub fn new(intake: Intake, files: Files) -> Self {
        Self { intake, files }
    }

    /// Attaches the next file of the mail that waits the longest; false when none waits. A file that is not taken, because of its
    /// kind or its size, is told in the mail's detail. Where the object store cannot be reached, it is tried again later.
    pub async fn step(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let db = self.intake.db();
        let due = db.quiet_tx(move |conn| Ok(store::take_unfiled(conn, now, now + LEASE)?)).await?;
        let Some(due) = due else { return Ok(false) };
        let _room = self.intake.room().await?;
        let (id, number) = (due.id, due.files_done);
        let raw = db.read(move |conn| Ok(store::raw(conn, id)?)).await?;
        let file = raw.and_then(|raw| file_at(&raw, usize::try_from(number).ok()?));
        let Some((file, bytes)) = file else {
            db.quiet_tx(move |conn| Ok(store::filed_all(conn, id)?)).await?;
            return Ok(true);
        };
        let new = NewFile {
            owner: Uuid::nil(),
            name: file_name(&file.name),
            media_type: essence(&file.content_type),
            length: u64::try_from(bytes.len()).ok(),
            sha256: None,
        };
        self.file(due, new, bytes, now).await?;
        Ok(true)
    }

    async fn file(
        &self,
        due: Unfiled,
        new: NewFile,
        bytes: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let pieces = bytes.chunks(PIECE).map(Bytes::copy_from_slice).map(Ok::<_, Infallible>);
        let name = new.name.clone();
        let stored = match self.files.store(new, stream::iter(pieces), now).await {
            Err(error) if error.status() < 500 => Err(error.to_string()),
            stored => Ok(stored?),
        };
        let file = move |conn: &mut _| service::file(conn, &due, &name, stored, now);
        self.intake.db().tx(file).await
    }
}
