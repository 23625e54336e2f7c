//! When each runbook was last changed, read for all of them at once and kept for the commit that is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::git::Git;
use super::revision::{CommitId, Revision};
use super::{Library, LibraryError, RUNBOOKS};
use crate::id::RunbookPath;

/// The most commits that are looked through, the newest first: what is older is not told apart by its age any more.
pub const COMMITS_MAX: usize = 5_000;

/// The last commit that changed each runbook, in milliseconds since 1970. One that is not in it was changed before the
/// newest [`COMMITS_MAX`] commits.
pub type LastChanges = BTreeMap<RunbookPath, i64>;

/// Keeps the answer for the commit that was asked for last.
#[derive(Debug, Default)]
pub struct Changes {
    newest: Mutex<Option<(CommitId, Arc<LastChanges>)>>,
}

impl Changes {
    /// The last changes up to a revision; none in a plain folder. The same commit again costs nothing.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn at(&self, library: &Library, revision: &Revision) -> Result<Arc<LastChanges>, LibraryError> {
        let (Some((git, prefix)), Some(commit)) = (library.git(), revision.commit()) else {
            return Ok(Arc::default());
        };
        let mut newest = self.newest.lock().await;
        if let Some((_, changes)) = newest.as_ref().filter(|(id, _)| *id == commit.id) {
            return Ok(Arc::clone(changes));
        }
        let changes = Arc::new(read(git, prefix, &commit.id).await?);
        *newest = Some((commit.id.clone(), Arc::clone(&changes)));
        Ok(changes)
    }
}

async fn read(git: &Git, prefix: &str, from: &CommitId) -> Result<LastChanges, LibraryError> {
    let folder = format!("{prefix}{RUNBOOKS}/");
    let commits = git.commits_below(from, RUNBOOKS, COMMITS_MAX).await?;
    let changed = git.changed_paths(&commits, RUNBOOKS).await?;
    let mut changes = LastChanges::new();
    for ((_, seconds), paths) in commits.iter().zip(changed) {
        for path in paths {
            let Some(name) = path.strip_prefix(&folder).and_then(|path| path.strip_suffix(".yaml")) else { continue };
            // Newest first: the first commit that names it is the last that changed it.
            if let Ok(path) = name.parse() {
                changes.entry(path).or_insert(seconds.saturating_mul(1_000));
            }
        }
    }
    Ok(changes)
}
