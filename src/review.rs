//! What a change of a repository makes more dangerous: for whoever reviews it. Pure: two [`Snapshot`]s in, findings out.
//!
//! Each [`Change`] is rated by what can be *shown*. What only reads, or is only wording, is the same. What takes away a
//! hold (a guard, a confirmation, a limit, a second person), widens whom or what it reaches, or replaces a command that
//! changes something, is more dangerous: nobody can prove the opposite from the text alone. What adds a hold is safer.

mod access;
mod changes;
mod command;
mod holds;
mod inputs;
mod inventory;
mod markdown;
mod reach;
mod runbook;
mod steps;
mod windows;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::access::grant::Policy;
use crate::id::{Digest, RunbookPath};
use crate::inventory::Inventory;
use crate::inventory::parse::SourceKind;
use crate::oncall::Oncall;
use crate::runbook::model::Runbook;

pub use changes::Changes;
pub use command::{Piece, PieceKind};
pub use markdown::markdown;

/// What a change does to the danger of running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rating {
    Safer,
    Same,
    MoreDangerous,
}

impl Rating {
    /// As people and programs read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Safer => "safer",
            Self::Same => "same",
            Self::MoreDangerous => "more dangerous",
        }
    }
}

/// One thing that is other than it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub rating: Rating,
    /// Where in the file: `step restart`, `input mount`; empty for the file as a whole.
    pub place: String,
    /// In a few words: `verify is gone`.
    pub what: String,
    /// Why it is rated so.
    pub why: String,
    /// For what is written anew: the old and the new text, word by word.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Piece>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    Added,
    Removed,
    /// From this path.
    Moved(String),
    Changed,
    /// Not itself, but what it means: the inventory that its selector is read against.
    Untouched,
}

/// A file with its changes, the most dangerous first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReview {
    /// From the repository's folder: `runbooks/web/disk-full.yaml`.
    pub file: String,
    pub fate: Fate,
    pub changes: Vec<Change>,
}

/// All files that are other than they were, in the order of their paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Review {
    pub files: Vec<FileReview>,
    /// What could not be compared, for people.
    pub left_out: Vec<String>,
}

impl Review {
    /// How many changes have this rating.
    pub fn count(&self, rating: Rating) -> usize {
        self.files.iter().flat_map(|file| &file.changes).filter(|change| change.rating == rating).count()
    }
}

/// A runbook of a snapshot.
#[derive(Debug, Clone)]
pub struct Book {
    /// Of its text.
    pub digest: Digest,
    /// None if it does not parse.
    pub runbook: Option<Runbook>,
    /// Errors and warnings.
    pub problems: usize,
    /// The scripts that its steps name, as far as they can be read.
    pub scripts: BTreeMap<String, String>,
}

/// A repository at a commit, as far as it decides what running means.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub runbooks: BTreeMap<RunbookPath, Book>,
    /// None where there is none, or it cannot be read.
    pub inventory: Option<Inventory>,
    /// None where there is none, or it cannot be read.
    pub policy: Option<Policy>,
    /// What `inventory.yaml` takes hosts from besides those that it writes down: programs run on the server itself.
    pub sources: Vec<SourceKind>,
    /// `oncall.yaml`, as far as it could be read.
    pub oncall: Oncall,
}

/// What is other in `after` than in `before`.
pub fn compare(before: &Snapshot, after: &Snapshot) -> Review {
    let mut files = Vec::new();
    let mut keep = |file: String, fate: Fate, changes: Changes| {
        let mut changes = changes.into_vec();
        changes.sort_by_key(|change| std::cmp::Reverse(change.rating));
        if fate != Fate::Untouched || !changes.is_empty() {
            files.push(FileReview { file, fate, changes });
        }
    };
    if before.policy.as_ref().map(|it| it.digest) != after.policy.as_ref().map(|it| it.digest) {
        let fate = fate_of(before.policy.is_some(), after.policy.is_some());
        keep(crate::access::FILE.to_owned(), fate, access::compare(before.policy.as_ref(), after.policy.as_ref()));
    }
    if before.inventory != after.inventory || before.sources != after.sources {
        let fate = fate_of(before.inventory.is_some(), after.inventory.is_some());
        let empty = Inventory::default();
        let [old, new] = [before, after].map(|it| it.inventory.as_ref().unwrap_or(&empty));
        keep("inventory.yaml".to_owned(), fate, inventory::compare((old, &before.sources), (new, &after.sources)));
    }
    let on_call = windows::compare(&before.oncall, &after.oncall);
    let fate = if on_call.is_empty() { Fate::Untouched } else { Fate::Changed };
    keep(crate::oncall::FILE.to_owned(), fate, on_call);
    let moved = moved(before, after);
    let mut paths: Vec<&RunbookPath> = before.runbooks.keys().chain(after.runbooks.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let file = format!("runbooks/{path}.yaml");
        match (before.runbooks.get(path), after.runbooks.get(path)) {
            (Some(_), None) if moved.values().any(|from| *from == path) => {}
            (Some(old), None) => keep(file, Fate::Removed, runbook::removed(old)),
            (None, Some(new)) => match moved.get(path).copied() {
                Some(from) => {
                    let mut changes = runbook::compare((before, &before.runbooks[from]), (after, new));
                    runbook::moved(path, after.policy.as_ref(), &mut changes);
                    keep(file, Fate::Moved(format!("runbooks/{from}.yaml")), changes);
                }
                None => keep(file, Fate::Added, runbook::added((after, new))),
            },
            (Some(old), Some(new)) => {
                let same = old.digest == new.digest && old.scripts == new.scripts;
                let fate = if same { Fate::Untouched } else { Fate::Changed };
                keep(file, fate, runbook::compare((before, old), (after, new)));
            }
            (None, None) => {}
        }
    }
    Review { files, left_out: Vec::new() }
}

fn fate_of(was: bool, is: bool) -> Fate {
    match (was, is) {
        (false, _) => Fate::Added,
        (true, false) => Fate::Removed,
        (true, true) => Fate::Changed,
    }
}

/// Files that are new, with the gone file of the same title and steps that each was: by its new path.
fn moved<'s>(before: &'s Snapshot, after: &'s Snapshot) -> BTreeMap<&'s RunbookPath, &'s RunbookPath> {
    let mut moved = BTreeMap::new();
    for (path, new) in after.runbooks.iter().filter(|(path, _)| !before.runbooks.contains_key(path)) {
        let was = before.runbooks.iter().find(|(from, old)| {
            !after.runbooks.contains_key(from)
                && !moved.values().any(|taken| taken == from)
                && (old.digest == new.digest || is_the_same(old, new))
        });
        moved.extend(was.map(|(from, _)| (path, from)));
    }
    moved
}

fn is_the_same(old: &Book, new: &Book) -> bool {
    let (Some(old), Some(new)) = (&old.runbook, &new.runbook) else { return false };
    let ids = |runbook: &Runbook| runbook.steps.iter().map(|step| step.id.clone()).collect::<Vec<_>>();
    old.name == new.name && ids(old) == ids(new)
}
