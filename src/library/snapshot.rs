//! A repository at a revision, as a review reads it: no program is started, whoever wrote the revision.

use std::collections::BTreeMap;

use super::catalogue::Catalogue;
use super::{File, Library, LibraryError, Revision};
use crate::access;
use crate::id::{Digest, RunbookPath};
use crate::oncall::{self, Oncall};
use crate::review::{Book, Snapshot};
use crate::runbook::model::{Action, Runbook};
use crate::runbook::parse::parse;

/// Whose inventory sources are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// Of nobody: programs of the revision are not started.
    LeftOut,
    /// Also programs and other files: only for revisions that whoever asks trusts.
    Loaded,
}

/// Reads snapshots one after the other; what two have in common is read once.
#[derive(Debug, Default)]
pub struct Reader {
    books: Catalogue<(Digest, Option<Runbook>, usize)>,
}

/// What was read, and what was not.
#[derive(Debug, Default)]
pub struct ReadSnapshot {
    pub snapshot: Snapshot,
    /// For people: `inventory.yaml: its sources were left out`.
    pub left_out: Vec<String>,
}

impl Reader {
    /// The repository at a revision.
    ///
    /// # Errors
    /// The repository cannot be read. What does not parse is in the snapshot as that.
    pub async fn read(
        &self,
        library: &Library,
        revision: &Revision,
        sources: Sources,
    ) -> Result<ReadSnapshot, LibraryError> {
        let mut left_out = Vec::new();
        let listed = self.books.at(library, revision, parsed).await?;
        let mut runbooks = BTreeMap::new();
        for page in &listed.pages {
            let (digest, runbook, problems) = page.made.clone();
            let scripts = scripts(library, revision, &page.path, runbook.as_ref()).await?;
            runbooks.insert(page.path.clone(), Book { digest, runbook, problems, scripts });
        }
        let (written, named) = match library.written_inventory(revision).await? {
            Some((written, named)) => (Some(written), named),
            None => (None, Vec::new()),
        };
        let inventory = match sources {
            Sources::Loaded => Some(library.inventory(revision).await?.inventory),
            Sources::LeftOut => {
                left_out.extend((!named.is_empty()).then(|| {
                    format!("inventory.yaml at {revision}: hosts that its programs and other files name are left out")
                }));
                written
            }
        };
        let policy = match file(library, revision, access::FILE).await? {
            Some(file) => access::parse(access::FILE, &file.bytes).policy,
            None => None,
        };
        let oncall = match file(library, revision, oncall::FILE).await? {
            Some(file) => oncall::parse(oncall::FILE, &file.bytes),
            None => Oncall::default(),
        };
        Ok(ReadSnapshot { snapshot: Snapshot { runbooks, inventory, policy, sources: named, oncall }, left_out })
    }
}

fn parsed(path: &RunbookPath, file: &File) -> (Digest, Option<Runbook>, usize) {
    let parsed = parse(path, &file.path, &file.bytes);
    (Digest::of(&file.bytes), parsed.runbook, parsed.diagnostics.len())
}

async fn file(library: &Library, revision: &Revision, path: &str) -> Result<Option<File>, LibraryError> {
    match library.file(revision, path).await {
        Ok(file) => Ok(Some(file)),
        Err(LibraryError::NoFile { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The scripts that steps name, as text. One that is not there, or leaves the runbook's folder, is left out: checking
/// says so.
async fn scripts(
    library: &Library,
    revision: &Revision,
    path: &RunbookPath,
    runbook: Option<&Runbook>,
) -> Result<BTreeMap<String, String>, LibraryError> {
    let mut scripts = BTreeMap::new();
    for step in runbook.into_iter().flat_map(|runbook| &runbook.steps) {
        if let Action::Script { file, .. } = &step.action {
            match library.script(revision, path, file).await {
                Ok(read) => _ = scripts.insert(file.clone(), String::from_utf8_lossy(&read.bytes).into_owned()),
                Err(LibraryError::NoFile { .. } | LibraryError::UnsafePath { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(scripts)
}
