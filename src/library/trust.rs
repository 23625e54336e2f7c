//! What an approval is bound to beside the runbook: commits that are served, and files that say whom to trust.

use std::path::PathBuf;

use super::revision::{CommitId, Revision};
use super::{FILE_BYTES_MAX, Library, LibraryError, tree};
use crate::id::Digest;
use crate::inventory::target::HostKey;

impl Library {
    /// Whether a run's commit is the served one or before it. Without git there is nothing to be out of.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn serves(&self, commit: Option<&str>, served: &Revision) -> Result<bool, LibraryError> {
        let older = commit.and_then(|commit| commit.parse::<CommitId>().ok());
        match (self.git(), older, served) {
            (Some((git, _)), Some(older), Revision::Commit(newer)) => git.is_ancestor(&older, &newer.id).await,
            (None, None, Revision::Folder) => Ok(true),
            _ => Ok(false),
        }
    }

    /// SHA-256 of a file of the repository; of no bytes where there is no such file.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn digest_of(&self, revision: &Revision, path: &str) -> Result<Digest, LibraryError> {
        match self.file(revision, path).await {
            Ok(file) => Ok(file.digest()),
            Err(LibraryError::NoFile { .. }) => Ok(Digest::of(b"")),
            Err(other) => Err(other),
        }
    }

    /// The text of the known_hosts file that vouches for a host; empty for pinned keys and where there is no file.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn known_hosts(&self, key: &HostKey) -> Result<String, LibraryError> {
        let file: Option<PathBuf> = match key {
            HostKey::Pinned(_) => None,
            HostKey::KnownHosts(file) => Some(file.clone()),
            HostKey::UserKnownHosts => self.home().map(|home| home.join(".ssh/known_hosts")),
        };
        match file.filter(|file| file.exists()) {
            Some(file) => Ok(String::from_utf8_lossy(&tree::read_file(&file, FILE_BYTES_MAX)?).into_owned()),
            None => Ok(String::new()),
        }
    }
}
