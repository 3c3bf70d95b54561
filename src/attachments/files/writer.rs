//! Writes a file part by part as it arrives.
use std::pin::pin;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{Stream, StreamExt as _};
use sha2::digest::common::hazmat::{SerializableState as _, SerializedState};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::rules::hex;
use super::super::store::{self, Commit, File};
use super::Inner;
use crate::db::later;
use crate::kernel::AppError;

/// Bytes of a part: what a process holds of a file that it receives, and what is lost when it dies.
const PART: usize = 4 << 20;
/// A sender who says nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(30);
/// An object that has not become a part by then never will.
const RESERVED: TimeDelta = TimeDelta::hours(1);

pub struct Writer<'a> {
    files: &'a Inner,
    file: File,
    hash: Sha256,
    /// What has arrived and is not stored.
    buffer: Vec<u8>,
    began: (DateTime<Utc>, Instant),
}

impl<'a> Writer<'a> {
    /// Goes on where the file ends.
    pub fn new(files: &'a Inner, file: File, now: DateTime<Utc>) -> Result<Self, AppError> {
        let state = file.hashing.as_deref().unwrap_or_default();
        let state = SerializedState::<Sha256>::try_from(state).map_err(AppError::internal)?;
        let hash = Sha256::deserialize(&state)
            .map_err(|_| AppError::Internal(anyhow::anyhow!("the state of a hash is broken")))?;
        Ok(Self { files, file, hash, buffer: Vec::new(), began: (now, Instant::now()) })
    }

    /// Takes what comes until the stream ends; false when it breaks off. Fails with [`AppError::Invalid`] when the file is complete and
    /// not what its sender said.
    pub async fn receive<E>(
        &mut self,
        bytes: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<bool, AppError> {
        let mut bytes = pin!(bytes);
        loop {
            match tokio::time::timeout(SILENCE, bytes.next()).await {
                Ok(Some(Ok(bytes))) => self.take(&bytes).await?,
                Ok(None) => return Ok(true),
                Ok(Some(Err(_))) | Err(_) => return Ok(false),
            }
        }
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), AppError> {
        let stored = u64::try_from(self.file.size).map_err(AppError::internal)?;
        let total = stored + (self.buffer.len() + bytes.len()) as u64;
        let length = self.file.length.and_then(|length| u64::try_from(length).ok());
        if length.is_some_and(|length| total > length) {
            return Err(AppError::Malformed("more bytes than the upload was to have".into()));
        }
        if total > self.files.limits.0 {
            return Err(AppError::FileTooLarge(self.files.limits.0));
        }
        self.buffer.extend_from_slice(bytes);
        let last = length == Some(total);
        if last && self.file.sha256.is_none() || self.buffer.len() >= PART {
            self.flush(last).await?;
        }
        Ok(())
    }

    /// Stores what has arrived of a file that goes on later.
    pub async fn keep(mut self) -> Result<File, AppError> {
        if !self.buffer.is_empty() {
            self.flush(false).await?;
        }
        Ok(self.file)
    }

    /// Stores the end of a file that tells its length by ending.
    pub async fn finish(mut self) -> Result<File, AppError> {
        if self.file.sha256.is_none() {
            self.flush(true).await?;
        }
        Ok(self.file)
    }

    /// Makes what has arrived a part of the file: the object first, then the row.
    async fn flush(&mut self, last: bool) -> Result<(), AppError> {
        let bytes = std::mem::take(&mut self.buffer);
        self.hash.update(&bytes);
        let sum = last.then(|| self.hash.clone().finalize().to_vec());
        if let Some(sum) = &sum {
            check_sum(self.file.expected_sha256.as_deref(), sum)?;
        }
        let size = i64::try_from(bytes.len()).map_err(AppError::internal)?;
        let object = if bytes.is_empty() { None } else { Some(self.put(bytes).await?) };
        let done = Commit {
            fence: self.file.fence,
            start: self.file.size,
            size,
            object,
            hashing: (!last).then(|| state(&self.hash)),
            sha256: sum.clone(),
        };
        let id = self.file.id;
        let committed = self.files.db.quiet_tx(move |conn| {
            if store::commit(conn, id, &done)? {
                return Ok(());
            }
            let detail = "another request goes on with this upload, or it was deleted";
            Err(AppError::conflict("upload_taken_over", detail))
        });
        committed.await?;
        self.file.size += size;
        self.file.sha256 = sum;
        Ok(())
    }

    async fn put(&self, bytes: Vec<u8>) -> Result<Uuid, AppError> {
        let (now, began) = self.began;
        let (file, remove_at) = (self.file.id, later(now, began) + RESERVED);
        let reserved =
            self.files.db.quiet_tx(move |conn| Ok(store::reserve(conn, file, remove_at)?));
        let object = reserved.await?;
        self.files.objects.put(object, bytes).await?;
        Ok(object)
    }
}

/// Fails when the sender said that the file has another checksum.
pub fn check_sum(expected: Option<&[u8]>, sum: &[u8]) -> Result<(), AppError> {
    if expected.is_none_or(|expected| expected == sum) {
        return Ok(());
    }
    let detail = format!("what arrived has the SHA-256 {}; send it again", hex(sum));
    Err(AppError::field("/sha256", detail))
}

pub fn state(hash: &Sha256) -> Vec<u8> {
    hash.serialize().to_vec()
}
