//! The object store: a folder, or a bucket of an S3-compatible one.
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::Bytes;
use anyhow::Context as _;
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig,
};
use uuid::Uuid;

use crate::config::Config;
use crate::kernel::AppError;

/// How long a single call may take.
const CALL: Duration = Duration::from_secs(30);
/// How long a write may take with all that is tried again. An object is swept away much later.
const WRITE: Duration = Duration::from_secs(120);

pub enum Objects {
    /// Opened when it is needed first: a process that touches no file needs no folder.
    Folder(PathBuf, OnceLock<Arc<dyn ObjectStore>>),
    Bucket(Arc<dyn ObjectStore>),
}

impl Objects {
    /// Fails when the configuration of the bucket is wrong; the bucket itself is not asked.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let Some(bucket) = &config.s3_bucket else {
            return Ok(Self::Folder(config.data_dir.join("files"), OnceLock::new()));
        };
        let retry = RetryConfig { max_retries: 3, retry_timeout: CALL, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&config.s3_region)
            .with_client_options(ClientOptions::new().with_timeout(CALL))
            .with_retry(retry)
            // Not every S3-compatible store deletes in bulk.
            .with_disable_bulk_delete(true);
        if let Some(endpoint) = &config.s3_endpoint {
            let plain = endpoint.starts_with("http://");
            builder = builder.with_endpoint(endpoint).with_allow_http(plain);
        }
        if let (Some(id), Some(secret)) = (&config.s3_access_key_id, &config.s3_secret_access_key) {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret.expose());
        }
        let store = builder.build().context("the S3-compatible store cannot be used")?;
        Ok(Self::Bucket(Arc::new(store)))
    }

    /// Writes an object whole, or not at all.
    pub async fn put(&self, object: Uuid, bytes: Vec<u8>) -> Result<(), AppError> {
        let (store, path) = (self.store()?, path(object));
        let written = tokio::time::timeout(WRITE, store.put(&path, bytes.into())).await;
        written.map_err(AppError::unavailable)?.map_err(AppError::unavailable)?;
        Ok(())
    }

    /// The bytes of an object from `start` to before `end`.
    pub async fn get(
        &self,
        object: Uuid,
        (start, end): (u64, u64),
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, AppError> {
        let options =
            GetOptions { range: Some(GetRange::Bounded(start..end)), ..GetOptions::default() };
        let found = self.store()?.get_opts(&path(object), options).await;
        Ok(found.map_err(AppError::unavailable)?.into_stream())
    }

    /// Removes an object, if it is there, and what a write of it left that was broken off.
    pub async fn remove(&self, object: Uuid) -> Result<(), AppError> {
        let path = path(object);
        match self.store()?.delete(&path).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(AppError::unavailable(error)),
        }
        let Self::Folder(folder, _) = self else { return Ok(()) };
        // The local store writes beside the object, under its name with this end, and renames it.
        match tokio::fs::remove_file(folder.join(format!("{path}#1"))).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(AppError::unavailable(error))
            }
            _ => Ok(()),
        }
    }

    fn store(&self) -> Result<Arc<dyn ObjectStore>, AppError> {
        let (folder, opened) = match self {
            Self::Bucket(store) => return Ok(Arc::clone(store)),
            Self::Folder(folder, opened) => (folder, opened),
        };
        if let Some(store) = opened.get() {
            return Ok(Arc::clone(store));
        }
        let open = || -> anyhow::Result<LocalFileSystem> {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            // The row that names an object is written when the object outlives a power failure.
            Ok(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true))
        };
        let store = open().with_context(|| format!("cannot use {}", folder.display()));
        let store: Arc<dyn ObjectStore> = Arc::new(store.map_err(AppError::unavailable)?);
        Ok(Arc::clone(opened.get_or_init(|| store)))
    }
}

/// Spread over folders: the last digits of an id are random.
fn path(object: Uuid) -> Path {
    let name = object.simple().to_string();
    Path::from(format!("{}/{name}", &name[30..]))
}
