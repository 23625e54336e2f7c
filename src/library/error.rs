//! Why the repository could not be read, in words that say what to do.

use std::path::{Path, PathBuf};

use super::program::ProgramError;
use super::revision::GitRef;

/// Why the repository could not be read. Says what was attempted, on what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    #[error("cannot open the runbook folder {}", folder.display())]
    NoFolder {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "git refuses {0}: it belongs to another account. If you trust what is in it, run: git config --global --add safe.directory {0}",
        shell_word(folder)
    )]
    NotOurs { folder: PathBuf },
    #[error("{} has no commit yet, and only committed runbooks run: git add -A && git commit", folder.display())]
    NoCommit { folder: PathBuf },
    #[error("{} has no branch, tag or commit {git_ref}{}", folder.display(), hint(suggestion))]
    UnknownRef { folder: PathBuf, git_ref: GitRef, suggestion: Option<String> },
    #[error("{} is a folder without git: it has no ref {git_ref}", folder.display())]
    RefWithoutGit { folder: PathBuf, git_ref: GitRef },
    #[error("there is no file {path} in {at}")]
    NoFile { path: String, at: String },
    #[error("{path} in {at} is {what}; only plain files are read")]
    NotAFile { path: String, at: String, what: &'static str },
    #[error("{path:?} does not name a file in the repository")]
    UnsafePath { path: String },
    #[error("{path} is larger than {bytes_max} bytes")]
    TooLarge { path: String, bytes_max: u64 },
    #[error("{} holds more than {count_max} files", folder.display())]
    TooManyFiles { folder: PathBuf, count_max: usize },
    #[error("cannot {attempted} in {}: {reason}", folder.display())]
    Git { attempted: &'static str, folder: PathBuf, reason: String },
    #[error(transparent)]
    Program(ProgramError),
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|text| format!("; {text}")).unwrap_or_default()
}

fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| text.to_string(), |word| word.into_owned())
}
