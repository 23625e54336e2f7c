//! Large bytes beside the database, through object_store: files today, S3 later, under the same keys.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};

use super::open::make_private_dir;

/// A blob that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No space is left where the blobs are.
    #[error("no space left to {attempted} {key} in {place}")]
    DiskFull { attempted: &'static str, key: String, place: Arc<str>, source: Box<object_store::Error> },
    /// There is no such blob, though a row names it.
    #[error("{key} is missing in {place}")]
    Missing { key: String, place: Arc<str> },
    /// Any other failure.
    #[error("could not {attempted} {key} in {place}")]
    Failed { attempted: &'static str, key: String, place: Arc<str>, source: Box<object_store::Error> },
    /// The folder could not be made.
    #[error("could not make the folder {place} for blobs")]
    Folder { place: Arc<str>, source: io::Error },
}

/// The blob store. Keys are paths such as `output/<run>/<attempt>/<segment>`; a key is written once and its bytes
/// never change.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    place: Arc<str>,
}

impl Blobs {
    /// Blobs as files below `folder`, which is made when missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn local(folder: &Path) -> Result<Self, BlobError> {
        let place: Arc<str> = folder.display().to_string().into();
        let folder_failed = |source| BlobError::Folder { place: place.clone(), source };
        make_private_dir(folder).map_err(|error| folder_failed(io::Error::other(error)))?;
        // Without `with_fsync` object_store syncs nothing: a row could name a file that a power cut emptied.
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|error| folder_failed(io::Error::other(error)))?
            .with_fsync(true)
            .with_automatic_cleanup(true);
        Ok(Self { store: Arc::new(store), place })
    }

    /// No blobs: of a store that is only verified.
    pub(super) fn none() -> Self {
        Self { store: Arc::new(InMemory::new()), place: "nowhere".into() }
    }

    /// Stores bytes. When this returns they survive a crash; a crash before leaves nothing under the key.
    ///
    /// # Errors
    /// `DiskFull` when no space is left.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), BlobError> {
        self.store
            .put(&Key::from(key), bytes.into())
            .await
            .map(drop)
            .map_err(|source| self.failed("store", key, source))
    }

    /// All bytes of a blob.
    ///
    /// # Errors
    /// `Missing` when there is none.
    pub async fn get(&self, key: &str) -> Result<Bytes, BlobError> {
        let read = async { self.store.get(&Key::from(key)).await?.bytes().await };
        read.await.map_err(|source| self.failed("read", key, source))
    }

    /// Some bytes of a blob.
    ///
    /// # Errors
    /// `Missing` when there is no such blob; `Failed` when the range is outside it.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, BlobError> {
        self.store.get_range(&Key::from(key), range).await.map_err(|source| self.failed("read", key, source))
    }

    /// Deletes a blob; one that is gone already is no error, so that it can be repeated after a crash.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub async fn delete(&self, key: &str) -> Result<(), BlobError> {
        match self.store.delete(&Key::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.failed("delete", key, source)),
        }
    }

    /// The keys below a prefix such as `output/<run>`, in no order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn keys_below(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        let mut found = self.store.list(Some(&Key::from(prefix)));
        let mut keys = Vec::new();
        while let Some(object) = found.next().await {
            keys.push(object.map_err(|source| self.failed("list", prefix, source))?.location.to_string());
        }
        Ok(keys)
    }

    fn failed(&self, attempted: &'static str, key: &str, source: object_store::Error) -> BlobError {
        let (key, place) = (key.to_owned(), self.place.clone());
        if matches!(source, object_store::Error::NotFound { .. }) {
            BlobError::Missing { key, place }
        } else if is_storage_full(&source) {
            BlobError::DiskFull { attempted, key, place, source: source.into() }
        } else {
            BlobError::Failed { attempted, key, place, source: source.into() }
        }
    }
}

/// object_store wraps the error of the operating system several times.
fn is_storage_full(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(io_error) = error.downcast_ref::<io::Error>()
            && matches!(io_error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_seen_however_deep_object_store_wraps_it() {
        // As LocalFileSystem gave it on a full tmpfs: Generic around its own error around that of the system.
        #[derive(Debug, thiserror::Error)]
        #[error("Unable to copy data to file: {source}")]
        struct UnableToCopyDataToFile {
            source: io::Error,
        }
        let wrapped = |errno| object_store::Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(UnableToCopyDataToFile { source: io::Error::from_raw_os_error(errno) }),
        };
        let (no_space_left, input_output_error) = (28, 5);
        assert!(is_storage_full(&wrapped(no_space_left)));
        assert!(!is_storage_full(&wrapped(input_output_error)));
    }
}
