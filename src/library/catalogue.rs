//! Every runbook of a revision with what was made of it, kept between looks.
//!
//! What is made of a text is the caller's (`runbook::parse`, the checks), so this knows nothing of the
//! format. A page whose blob has not changed is not read or made again.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::revision::Revision;
use super::tree::BlobId;
use super::{File, Library, LibraryError, ListedRunbook};
use crate::diagnostic::Diagnostic;
use crate::id::RunbookPath;

/// One runbook and what was made of its text.
#[derive(Debug)]
pub struct Page<T> {
    pub path: RunbookPath,
    pub blob: BlobId,
    pub made: T,
}

/// All runbooks of one revision.
#[derive(Debug)]
pub struct Snapshot<T> {
    pub revision: Revision,
    /// In the order of their paths.
    pub pages: Vec<Arc<Page<T>>>,
    /// Files that look like runbooks and cannot be read or listed.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Snapshot<T> {
    /// The page of a runbook.
    pub fn get(&self, path: &RunbookPath) -> Option<&Arc<Page<T>>> {
        self.pages.binary_search_by(|page| page.path.cmp(path)).ok().map(|at| &self.pages[at])
    }
}

/// Keeps the newest snapshot. Its memory is bounded by one revision's runbooks.
#[derive(Debug)]
pub struct Catalogue<T> {
    newest: Mutex<Option<Arc<Snapshot<T>>>>,
}

impl<T> Default for Catalogue<T> {
    fn default() -> Self {
        Self { newest: Mutex::new(None) }
    }
}

impl<T> Catalogue<T> {
    /// All runbooks at a revision. Asking for the commit that was asked for last costs nothing; another
    /// commit costs a listing and the files that differ.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn at(
        &self,
        library: &Library,
        revision: &Revision,
        make: impl Fn(&RunbookPath, &File) -> T,
    ) -> Result<Arc<Snapshot<T>>, LibraryError> {
        let mut newest = self.newest.lock().await;
        if let Some(snapshot) = &*newest
            && revision.commit().is_some()
            && snapshot.revision == *revision
        {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(refreshed(library, revision, newest.as_deref(), make).await?);
        *newest = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}

async fn refreshed<T>(
    library: &Library,
    revision: &Revision,
    before: Option<&Snapshot<T>>,
    make: impl Fn(&RunbookPath, &File) -> T,
) -> Result<Snapshot<T>, LibraryError> {
    let listing = library.list(revision).await?;
    let mut diagnostics = listing.diagnostics;
    let mut pages = BTreeMap::new();
    let mut changed = Vec::new();
    for listed in listing.runbooks {
        let kept =
            before.and_then(|before| before.get(&listed.path)).filter(|page| Some(&page.blob) == listed.blob.as_ref());
        match kept {
            Some(page) => _ = pages.insert(listed.path, Arc::clone(page)),
            None => changed.push(listed),
        }
    }
    for (path, file) in library.read_all(revision, &changed, &mut diagnostics).await? {
        // In a plain folder the blob is known only now.
        let kept = before.and_then(|before| before.get(&path)).filter(|page| page.blob == file.blob);
        let page = kept.cloned().unwrap_or_else(|| {
            let made = make(&path, &file);
            Arc::new(Page { path: path.clone(), blob: file.blob, made })
        });
        pages.insert(path, page);
    }
    Ok(Snapshot { revision: revision.clone(), pages: pages.into_values().collect(), diagnostics })
}

impl Library {
    /// Reads many runbooks with one program. One that cannot be read is a diagnostic.
    async fn read_all(
        &self,
        revision: &Revision,
        wanted: &[ListedRunbook],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<Vec<(RunbookPath, File)>, LibraryError> {
        let mut files = Vec::with_capacity(wanted.len());
        let blobs: Vec<&BlobId> = wanted.iter().filter_map(|listed| listed.blob.as_ref()).collect();
        if blobs.len() == wanted.len() && revision.commit().is_some() {
            let contents = self.blobs(&blobs).await?;
            for ((listed, blob), bytes) in wanted.iter().zip(blobs).zip(contents) {
                let file = File { path: super::runbook_file(&listed.path), bytes, blob: blob.clone() };
                files.push((listed.path.clone(), file));
            }
            return Ok(files);
        }
        for listed in wanted {
            match self.read(revision, &listed.path).await {
                Ok(file) => files.push((listed.path.clone(), file)),
                Err(error) => diagnostics.push(super::unreadable(&listed.path, &error)),
            }
        }
        Ok(files)
    }
}
