//! The runbook repository: the one place that runs `git`, reads its files, and runs inventory programs.
//!
//! Three kinds of folder are understood:
//! - **a git work tree** (or a folder in one that has committed files) and **a bare repository**: files
//!   are read from a commit, `HEAD` unless a ref is asked for, and never from the work tree. What is not
//!   committed does not run; [`Library::changes`] tells about it, so that a page can say so.
//! - **a plain folder**: files are read as they are, and each run pins the SHA-256 of what it read.
//!
//! Nothing here changes a repository but [`keep`], on a branch of its own, where that is asked for. A repository is not trusted: its configuration, hooks, attributes
//! and links start nothing and lead nowhere (see [`git`] for what is closed). The exception is meant: the
//! programs that `inventory.yaml` names under `from` are run, as its author asked.

mod catalogue;
mod changes;
mod error;
mod git;
mod inventory;
mod keep;
mod program;
mod revision;
pub mod snapshot;
mod tree;
mod trust;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use catalogue::{Catalogue, Page, Snapshot};
pub use changes::{COMMITS_MAX, Changes, LastChanges};
pub use error::LibraryError;
pub use inventory::LoadedInventory;
pub use keep::Kept;
pub use program::{ProgramError, Surroundings};
pub use revision::{Commit, CommitId, GitRef, Revision};
pub use tree::BlobId;

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::id::{Digest, InvalidId, RunbookPath};
use crate::yaml::suggestion;
use git::{Depth, Git, Place};
use tree::{Found, Kind};

/// The largest file that is read: a script for hosts, or an inventory. Runbooks end earlier, in the parser.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The folder of runbooks in a repository.
pub const RUNBOOKS: &str = "runbooks";

/// The inventory file in a repository.
pub const INVENTORY: &str = "inventory.yaml";

/// The most bytes of runbooks that are read at one go.
const RUNBOOKS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A repository of runbooks in a local folder.
#[derive(Debug, Clone)]
pub struct Library {
    folder: PathBuf,
    surroundings: Surroundings,
    kind: LibraryKind,
}

#[derive(Debug, Clone)]
enum LibraryKind {
    WorkTree {
        git: Git,
        /// Of the folder below the top of the work tree: empty, or with `/` at its end.
        prefix: String,
    },
    Bare(Git),
    Plain,
}

/// A file as it is at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// From the repository folder, with `/`.
    pub path: String,
    pub bytes: Vec<u8>,
    pub blob: BlobId,
}

impl File {
    /// The SHA-256 of the text, which a run of a plain folder pins.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

/// The runbooks of a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// In the order of their paths.
    pub runbooks: Vec<ListedRunbook>,
    /// Files under `runbooks/` that look like runbooks and cannot be used.
    pub diagnostics: Vec<Diagnostic>,
}

/// One runbook of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRunbook {
    pub path: RunbookPath,
    /// `None` in a plain folder, until it is read.
    pub blob: Option<BlobId>,
}

/// A file that is not as the commit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// From the repository folder, with `/`.
    pub path: String,
    pub what: ChangeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

impl Library {
    /// Opens a folder and finds out what it is.
    ///
    /// # Errors
    /// The folder is missing, or git refuses it.
    pub async fn open(folder: &Path) -> Result<Self, LibraryError> {
        Self::open_in(folder, Surroundings::of_this_process()).await
    }

    /// The same with a chosen environment for git and inventory programs.
    ///
    /// # Errors
    /// As [`Library::open`].
    pub async fn open_in(folder: &Path, surroundings: Surroundings) -> Result<Self, LibraryError> {
        let no_folder = |source| LibraryError::NoFolder { folder: folder.to_owned(), source };
        let found = std::fs::canonicalize(folder).map_err(no_folder)?;
        std::fs::read_dir(&found).map_err(no_folder)?;
        let git = Git::new(&found, &surroundings);
        let kind = match git.place().await? {
            Place::None => LibraryKind::Plain,
            Place::Bare => LibraryKind::Bare(git),
            Place::WorkTree { prefix } => LibraryKind::WorkTree { git, prefix },
        };
        let library = Self { folder: found, surroundings, kind };
        if library.is_stray().await? {
            return Ok(Self { kind: LibraryKind::Plain, ..library });
        }
        Ok(library)
    }

    /// A folder somewhere inside a repository that has never committed anything of it: a scratch folder,
    /// not that repository's runbooks.
    async fn is_stray(&self) -> Result<bool, LibraryError> {
        match &self.kind {
            LibraryKind::WorkTree { git, prefix } if !prefix.is_empty() => match git.commit(&head()).await? {
                Some(commit) => Ok(git.list(&commit.id, prefix, Depth::One).await?.is_empty()),
                None => Ok(true),
            },
            LibraryKind::WorkTree { .. } | LibraryKind::Bare(_) | LibraryKind::Plain => Ok(false),
        }
    }

    /// The folder, absolute.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether runbooks come from commits.
    pub fn has_git(&self) -> bool {
        self.git().is_some()
    }

    fn git(&self) -> Option<(&Git, &str)> {
        match &self.kind {
            LibraryKind::WorkTree { git, prefix } => Some((git, prefix)),
            LibraryKind::Bare(git) => Some((git, "")),
            LibraryKind::Plain => None,
        }
    }

    /// What a ref means now; `None`: `HEAD`, or the plain folder.
    ///
    /// # Errors
    /// The ref is not there, nothing is committed yet, or a ref is asked of a plain folder.
    pub async fn resolve(&self, git_ref: Option<&GitRef>) -> Result<Revision, LibraryError> {
        let folder = || self.folder.clone();
        match (self.git(), git_ref) {
            (None, None) => {
                // A folder that went away must not pass for one without files.
                std::fs::metadata(&self.folder)
                    .map_err(|source| LibraryError::NoFolder { folder: folder(), source })?;
                Ok(Revision::Folder)
            }
            (None, Some(git_ref)) => Err(LibraryError::RefWithoutGit { folder: folder(), git_ref: git_ref.clone() }),
            (Some((git, _)), None) => {
                let commit = git.commit(&head()).await?.ok_or_else(|| LibraryError::NoCommit { folder: folder() })?;
                Ok(Revision::Commit(commit))
            }
            (Some((git, _)), Some(git_ref)) => match git.commit(git_ref).await? {
                Some(commit) => Ok(Revision::Commit(commit)),
                None => {
                    let suggestion = suggestion(git_ref.as_str(), &git.refs().await?);
                    Err(LibraryError::UnknownRef { folder: folder(), git_ref: git_ref.clone(), suggestion })
                }
            },
        }
    }

    /// The runbooks at a revision: `runbooks/**/*.yaml`.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn list(&self, revision: &Revision) -> Result<Listing, LibraryError> {
        let mut listing = Listing::default();
        for found in self.below(revision, RUNBOOKS).await? {
            match runbook_path(&found) {
                Listed::Runbook(path) => listing.runbooks.push(ListedRunbook { path, blob: found.blob }),
                Listed::Unfit(reason, help) => {
                    let file = found.path.replace(char::is_control, "\u{fffd}");
                    let diagnostic =
                        Diagnostic::new("library[unfit-file]", Severity::Warning, &file, Span::default(), reason);
                    listing.diagnostics.push(diagnostic.help(help));
                }
                Listed::Other => {}
            }
        }
        Ok(listing)
    }

    /// Reads a runbook.
    ///
    /// # Errors
    /// It is not there, is not a plain file, or is too large.
    pub async fn read(&self, revision: &Revision, path: &RunbookPath) -> Result<File, LibraryError> {
        self.file(revision, &runbook_file(path)).await
    }

    /// Reads a script that a runbook names: a file beside the runbook or in a folder below it.
    ///
    /// # Errors
    /// As [`Library::read`]; also where `script` would leave the runbook's folder.
    pub async fn script(&self, revision: &Revision, runbook: &RunbookPath, script: &str) -> Result<File, LibraryError> {
        let script = script.strip_prefix("./").unwrap_or(script);
        if !tree::is_inner(script) {
            return Err(LibraryError::UnsafePath { path: script.to_owned() });
        }
        let folder = match runbook.as_str().rsplit_once('/') {
            Some((folder, _)) => format!("{RUNBOOKS}/{folder}"),
            None => RUNBOOKS.to_owned(),
        };
        self.file(revision, &format!("{folder}/{script}")).await
    }

    /// Reads any file of the repository, such as `inventory.yaml` or a handoff template.
    ///
    /// # Errors
    /// As [`Library::read`].
    pub async fn file(&self, revision: &Revision, path: &str) -> Result<File, LibraryError> {
        if !tree::is_inner(path) {
            return Err(LibraryError::UnsafePath { path: path.to_owned() });
        }
        let no_file = || LibraryError::NoFile { path: path.to_owned(), at: revision.to_string() };
        let found = self.look(revision, path).await?.ok_or_else(no_file)?;
        self.check_plain(revision, &found)?;
        let Some(blob) = found.blob else {
            let bytes = tree::read_file(&self.folder.join(path), FILE_BYTES_MAX)?;
            let blob = tree::folder_blob(&bytes);
            return Ok(File { path: path.to_owned(), bytes, blob });
        };
        let bytes = self.blobs(&[&blob]).await?.pop().ok_or_else(no_file)?;
        Ok(File { path: path.to_owned(), bytes, blob })
    }

    /// The newest commits that changed a runbook, newest first; none in a plain folder.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn history(
        &self,
        revision: &Revision,
        path: &RunbookPath,
        count_max: usize,
    ) -> Result<Vec<Commit>, LibraryError> {
        match (self.git(), revision) {
            (Some((git, _)), Revision::Commit(commit)) => git.history(&commit.id, &runbook_file(path), count_max).await,
            (None, _) | (_, Revision::Folder) => Ok(Vec::new()),
        }
    }

    /// What in the work tree differs from `HEAD`, among runbooks and the inventory: it does not run until
    /// it is committed. Empty for bare repositories and plain folders.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn changes(&self) -> Result<Vec<Change>, LibraryError> {
        let LibraryKind::WorkTree { git, .. } = &self.kind else { return Ok(Vec::new()) };
        let mut committed = BTreeMap::new();
        if let Some(commit) = git.commit(&head()).await? {
            let revision = Revision::Commit(commit);
            let mut files = self.below(&revision, RUNBOOKS).await?;
            files.extend(self.look(&revision, INVENTORY).await?);
            committed.extend(files.into_iter().filter(is_plain).map(|found| (found.path, found.blob)));
        }
        let mut present = tree::walk(&self.folder, RUNBOOKS)?;
        present.extend(tree::look(&self.folder, INVENTORY)?);
        // Names with control characters cannot be asked of git line by line, and are no runbooks.
        present.retain(|found| is_plain(found) && tree::is_inner(&found.path));
        let paths: Vec<String> = present.into_iter().map(|found| found.path).collect();
        let hashes = git.hashes(&paths).await?;
        let mut changes = Vec::new();
        for (path, hash) in paths.into_iter().zip(hashes) {
            match committed.remove(&path) {
                None => changes.push(Change { path, what: ChangeKind::Added }),
                Some(blob) if blob.as_ref() != Some(&hash) => changes.push(Change { path, what: ChangeKind::Modified }),
                Some(_) => {}
            }
        }
        changes.extend(committed.into_keys().map(|path| Change { path, what: ChangeKind::Deleted }));
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(changes)
    }

    /// Everything below a folder of the repository; paths are from the repository folder.
    async fn below(&self, revision: &Revision, under: &str) -> Result<Vec<Found>, LibraryError> {
        match (self.git(), revision) {
            (Some((git, prefix)), Revision::Commit(commit)) => {
                let under = if under.is_empty() { prefix.to_owned() } else { format!("{prefix}{under}/") };
                let listed = git.list(&commit.id, &under, Depth::All).await?;
                Ok(listed.into_iter().filter_map(|found| without_prefix(found, prefix)).collect())
            }
            (None, _) | (_, Revision::Folder) => tree::walk(&self.folder, under),
        }
    }

    async fn look(&self, revision: &Revision, path: &str) -> Result<Option<Found>, LibraryError> {
        match (self.git(), revision) {
            (Some((git, prefix)), Revision::Commit(commit)) => {
                let listed = git.list(&commit.id, &format!("{prefix}{path}"), Depth::One).await?;
                Ok(listed
                    .into_iter()
                    .filter_map(|found| without_prefix(found, prefix))
                    .find(|found| found.path == path))
            }
            (None, _) | (_, Revision::Folder) => tree::look(&self.folder, path),
        }
    }

    /// The contents of blobs, in the order asked for. Callers have checked their sizes.
    async fn blobs(&self, blobs: &[&BlobId]) -> Result<Vec<Vec<u8>>, LibraryError> {
        let Some((git, _)) = self.git() else { return Ok(Vec::new()) };
        let names: Vec<&str> = blobs.iter().map(|blob| blob.as_str()).collect();
        git.objects(&names, RUNBOOKS_BYTES_MAX).await
    }

    fn check_plain(&self, revision: &Revision, found: &Found) -> Result<(), LibraryError> {
        let what = match found.kind {
            Kind::File | Kind::Executable if found.bytes > FILE_BYTES_MAX => {
                return Err(LibraryError::TooLarge { path: found.path.clone(), bytes_max: FILE_BYTES_MAX });
            }
            Kind::File | Kind::Executable => return Ok(()),
            Kind::Link => "a symbolic link",
            Kind::Folder => "a folder",
            Kind::Other => "a submodule or a device",
        };
        Err(LibraryError::NotAFile { path: found.path.clone(), at: revision.to_string(), what })
    }

    /// What `~` stands for in an inventory.
    fn home(&self) -> Option<PathBuf> {
        self.surroundings.get("HOME").map(OsStr::to_owned).map(PathBuf::from)
    }
}

fn head() -> GitRef {
    "HEAD".parse().expect("HEAD is a ref")
}

fn runbook_file(path: &RunbookPath) -> String {
    format!("{RUNBOOKS}/{path}.yaml")
}

fn is_plain(found: &Found) -> bool {
    matches!(found.kind, Kind::File | Kind::Executable)
}

fn without_prefix(found: Found, prefix: &str) -> Option<Found> {
    let path = found.path.strip_prefix(prefix)?.to_owned();
    Some(Found { path, ..found })
}

fn unreadable(path: &RunbookPath, error: &LibraryError) -> Diagnostic {
    let file = runbook_file(path);
    Diagnostic::new("library[unreadable]", Severity::Error, &file, Span::default(), error.to_string())
}

enum Listed {
    Runbook(RunbookPath),
    Unfit(String, &'static str),
    /// A script, a README.
    Other,
}

fn runbook_path(found: &Found) -> Listed {
    if let Some(stem) = found.path.strip_suffix(".yml") {
        return Listed::Unfit(format!("{stem:?} ends in .yml and is not listed"), "rename it to end in .yaml");
    }
    let Some(stem) = found.path.strip_suffix(".yaml") else { return Listed::Other };
    if !is_plain(found) {
        return Listed::Unfit("it is not a plain file and is not listed".to_owned(), "put a copy of the file here");
    }
    if found.bytes > FILE_BYTES_MAX {
        let reason = format!("it has more than {FILE_BYTES_MAX} bytes and is not listed");
        return Listed::Unfit(reason, "split it: a runbook that a person can follow has a few kilobytes");
    }
    let name = stem.strip_prefix(RUNBOOKS).and_then(|rest| rest.strip_prefix('/')).unwrap_or(stem);
    match name.parse() {
        Ok(path) => Listed::Runbook(path),
        Err(InvalidId { text, rule, .. }) => {
            Listed::Unfit(format!("{text:?} cannot be a runbook's path: it needs {rule}"), "rename it")
        }
    }
}
