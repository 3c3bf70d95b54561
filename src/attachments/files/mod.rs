//! Files that are kept here: their bytes in the object store, what is known of them in the database.
//!
//! A file is stored in parts of at most a few mebibytes, each an object: that is all that a process ever holds of it, and all that is
//! lost when an upload breaks off. An object's name is in the database before the object is written, so that none is ever
//! forgotten; and no outside call is made inside a transaction.
mod writer;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use self::writer::Writer;
use super::links::FileLinks;
use super::objects::Objects;
use super::rules::Accepted;
use super::store::{self, File, Part};
use crate::config::Config;
use crate::db::Db;
use crate::kernel::{AppError, FileId, SecretKey};

/// How long a file that is attached to nothing is kept after it was last written.
pub const KEPT: TimeDelta = TimeDelta::hours(24);
/// Unattached uploads of a caller at the most.
const UPLOADS: i64 = 100;
/// How many files are received at once in a process; each holds a part in memory at the most.
const WRITERS: usize = 64;
/// How long a sender waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// Files that are forgotten, and objects that are removed, in a step of the sweep.
const CHUNK: usize = 100;
/// How long a sweep has for them before another one takes them up.
const SWEEP: TimeDelta = TimeDelta::minutes(10);

/// A file that is about to be received.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Who sends it: contact, agent or client; nil for the service itself.
    pub owner: Uuid,
    /// As [`super::file_name`] makes it.
    pub name: String,
    /// As [`super::essence`] makes it.
    pub media_type: String,
    /// Bytes, where they are known before.
    pub length: Option<u64>,
    /// What the sender says that it is.
    pub sha256: Option<Vec<u8>>,
}

/// A file that is there to its last byte, to be attached within [`KEPT`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub id: FileId,
    pub name: String,
    pub media_type: String,
    pub size: i64,
    pub sha256: Vec<u8>,
    /// Bytes that all files of its ticket may have together.
    pub ticket_limit: i64,
}

/// Receives files, gives them out, and removes those that nobody needs.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

struct Inner {
    db: Db,
    objects: Objects,
    links: FileLinks,
    accepted: Accepted,
    /// Bytes of a file, and of all files of a ticket.
    limits: (u64, u64),
    writers: Semaphore,
}

impl Files {
    /// Fails when the configuration of the object store is wrong.
    pub fn new(config: &Config, db: Db, key: Arc<SecretKey>) -> anyhow::Result<Self> {
        let accepted = Accepted {
            allowed: config.attachments_allowed.clone(),
            blocked: config.attachments_blocked.clone(),
        };
        Ok(Self(Arc::new(Inner {
            db,
            objects: Objects::new(config)?,
            links: FileLinks::new(key, &config.public_url),
            accepted,
            limits: (config.attachment_bytes, config.ticket_attachment_bytes),
            writers: Semaphore::new(WRITERS),
        })))
    }

    pub fn links(&self) -> &FileLinks {
        &self.0.links
    }

    /// Bytes of a file at the most.
    pub fn limit(&self) -> u64 {
        self.0.limits.0
    }

    /// Bytes of all files of a ticket at the most.
    pub fn ticket_limit(&self) -> i64 {
        i64::try_from(self.0.limits.1).unwrap_or(i64::MAX)
    }

    /// Receives a file to its end. Nothing is left of it when that fails: it is too large, of a kind that is not taken, has another
    /// checksum than its sender said, or breaks off.
    pub async fn store<E>(
        &self,
        new: NewFile,
        bytes: impl Stream<Item = Result<Bytes, E>>,
        now: DateTime<Utc>,
    ) -> Result<StoredFile, AppError> {
        let _turn = self.turn().await?;
        let file = self.checked(new, now)?;
        let (id, row) = (file.id, file.clone());
        self.0.db.quiet_tx(move |conn| Ok(store::insert_file(conn, &row)?)).await?;
        let stored = async {
            let mut writer = Writer::new(&self.0, file, now)?;
            if !writer.receive(bytes).await? {
                return Err(AppError::Malformed("the file breaks off".into()));
            }
            writer.finish().await
        };
        let file = stored.await;
        if file.is_err() {
            self.give_up(id).await;
        }
        let incomplete = || AppError::Internal(anyhow::anyhow!("a finished file is incomplete"));
        self.stored(file?).ok_or_else(incomplete)
    }

    /// Begins a file that is sent in pieces. Fails while the owner has too many that are attached to nothing.
    pub async fn begin(&self, new: NewFile, now: DateTime<Utc>) -> Result<File, AppError> {
        let mut file = self.checked(new, now)?;
        if file.length == Some(0) {
            let empty = Sha256::digest([]).to_vec();
            writer::check_sum(file.expected_sha256.as_deref(), &empty)?;
            (file.sha256, file.hashing) = (Some(empty), None);
        }
        let (row, most) = (file.clone(), self.ticket_limit());
        let begun = self.0.db.quiet_tx(move |conn| {
            store::lock_owner(conn, row.owner_id)?;
            let (files, bytes) = store::unattached(conn, row.owner_id)?;
            if files >= UPLOADS || bytes.saturating_add(row.length.unwrap_or_default()) > most {
                let detail = "attach or delete what you have uploaded before";
                return Err(AppError::conflict("too_many_uploads", detail));
            }
            Ok(store::insert_file(conn, &row)?)
        });
        begun.await?;
        Ok(file)
    }

    /// Goes on behind the first `offset` bytes, as far as the stream reaches; whoever wrote until now is stopped. Fails with
    /// `upload_offset` when the file has more or fewer bytes.
    pub async fn append<E>(
        &self,
        id: FileId,
        offset: i64,
        bytes: impl Stream<Item = Result<Bytes, E>>,
        now: DateTime<Utc>,
    ) -> Result<File, AppError> {
        let _turn = self.turn().await?;
        let taken = self.0.db.quiet_tx(move |conn| {
            store::take_over(conn, id, offset, now + KEPT)?.ok_or_else(|| {
                let detail = "the upload has another number of bytes; ask for its offset";
                AppError::conflict("upload_offset", detail)
            })
        });
        let mut writer = Writer::new(&self.0, taken.await?, now)?;
        let received = writer.receive(bytes).await;
        if matches!(received, Err(AppError::Invalid(_))) {
            self.give_up(id).await;
        }
        received?;
        writer.keep().await
    }

    /// What an upload has become; `None` while something is missing.
    pub fn stored(&self, file: File) -> Option<StoredFile> {
        let File { id, name, media_type, size, sha256, .. } = file;
        let ticket_limit = self.ticket_limit();
        Some(StoredFile { id, name, media_type, size, sha256: sha256?, ticket_limit })
    }

    /// A file of this owner that is attached to nothing yet.
    pub async fn own(&self, owner: Uuid, id: FileId, now: DateTime<Utc>) -> Result<File, AppError> {
        let found = self.0.db.read(move |conn| Ok(store::own(conn, owner, id, now)?)).await?;
        found.ok_or(AppError::NotFound("the upload"))
    }

    /// Forgets a file, unless it is attached.
    pub async fn discard(&self, id: FileId) -> Result<(), AppError> {
        self.0.db.quiet_tx(move |conn| Ok(store::discard(conn, id)?)).await?;
        Ok(())
    }

    /// The same, where another failure is to be told.
    pub async fn give_up(&self, id: FileId) {
        if let Err(error) = self.discard(id).await {
            tracing::warn!(?error, %id, "a file was not discarded; it expires");
        }
    }

    /// These bytes of a file. Fails when the first cannot be had; the stream fails when a later one cannot.
    pub async fn read(
        &self,
        id: FileId,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, AppError> {
        let parts = self.0.db.read(move |conn| Ok(store::parts(conn, id)?)).await?;
        let mut pieces = pieces(&parts, &range).into_iter();
        let Some((object, first)) = pieces.next() else { return Ok(stream::empty().boxed()) };
        let first = self.0.objects.get(object, first).await?;
        let inner = Arc::clone(&self.0);
        let rest = stream::iter(pieces).then(move |(object, piece)| {
            let inner = Arc::clone(&inner);
            async move {
                inner.objects.get(object, piece).await.map_err(|error| {
                    object_store::Error::Generic { store: "files", source: Box::new(error) }
                })
            }
        });
        Ok(first.chain(rest.try_flatten()).boxed())
    }

    /// Forgets files that were never attached, and removes objects that belong to no file; true when there may be more.
    pub async fn sweep(&self, now: DateTime<Utc>) -> Result<bool, AppError> {
        let limit = i64::try_from(CHUNK).map_err(AppError::internal)?;
        let db = &self.0.db;
        let forgotten =
            db.quiet_tx(move |conn| Ok(store::forget_expired(conn, now, limit)?)).await?;
        let due = db.quiet_tx(move |conn| Ok(store::due_parts(conn, now, now + SWEEP, limit)?));
        let due = due.await?;
        let more = forgotten == CHUNK || due.len() == CHUNK;
        let mut removed = Vec::with_capacity(due.len());
        for object in due {
            match self.0.objects.remove(object).await {
                Ok(()) => removed.push(object),
                Err(error) => tracing::warn!(?error, %object, "an object was not removed"),
            }
        }
        if !removed.is_empty() {
            db.quiet_tx(move |conn| Ok(store::forget_parts(conn, &removed)?)).await?;
        }
        Ok(more)
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, AppError> {
        let turn = tokio::time::timeout(TURN, self.0.writers.acquire()).await;
        turn.map_err(AppError::unavailable)?.map_err(AppError::unavailable)
    }

    /// The row of a new file, if such a file is taken.
    fn checked(&self, new: NewFile, now: DateTime<Utc>) -> Result<File, AppError> {
        if let Some(why) = self.0.accepted.refusal(&new.name, &new.media_type) {
            return Err(AppError::field("/file", why));
        }
        if new.length.is_some_and(|length| length > self.limit()) {
            return Err(AppError::FileTooLarge(self.limit()));
        }
        Ok(File {
            id: FileId::new(),
            owner_id: new.owner,
            name: new.name,
            media_type: new.media_type,
            size: 0,
            length: new.length.and_then(|length| i64::try_from(length).ok()),
            expected_sha256: new.sha256,
            sha256: None,
            hashing: Some(writer::state(&Sha256::new())),
            fence: 0,
            created_at: now,
            expires_at: Some(now + KEPT),
        })
    }
}

/// Which bytes of which objects make up a range of a file whose parts these are.
fn pieces(parts: &[Part], range: &Range<u64>) -> Vec<(Uuid, (u64, u64))> {
    let piece = |part: &Part| {
        let (start, size) = (u64::try_from(part.start).ok()?, u64::try_from(part.size).ok()?);
        let (from, to) = (range.start.max(start), range.end.min(start + size));
        (from < to).then(|| (part.object, (from - start, to - start)))
    };
    parts.iter().filter_map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_taken_from_the_parts_that_it_touches() {
        let part = |start, size| Part { object: Uuid::from_u128(start as u128), start, size };
        let parts = [part(0, 4), part(4, 6), part(10, 2)];
        let taken = |range: Range<u64>| -> Vec<(u128, u64, u64)> {
            let taken = pieces(&parts, &range).into_iter();
            taken.map(|(object, (from, to))| (object.as_u128(), from, to)).collect()
        };
        assert_eq!(taken(0..12), [(0, 0, 4), (4, 0, 6), (10, 0, 2)]);
        assert_eq!(taken(3..5), [(0, 3, 4), (4, 0, 1)]);
        assert_eq!(taken(4..10), [(4, 0, 6)]);
        assert_eq!(taken(11..12), [(10, 1, 2)]);
        assert_eq!(taken(0..0), []);
    }
}
