//! Makes checkpoints of the audit log in time and sends them outside. What a checkpoint is and what it proves stands
//! in `audit`; what is on its way, in the store.

mod file;
mod git;
pub mod keeper;
pub mod key;
mod syslog;
pub mod witnesses;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::anchor::{Anchor, Witness};
use crate::audit::checkpoint::Signed;

/// Longest that one anchor may take: a mount that hangs must not hold up the others for long.
const ANCHOR_MAX: Duration = Duration::from_secs(30);

/// Why a checkpoint is not at its anchor, or could not be read from there.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    #[error("could not write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("could not read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("could not send to the syslog socket {}", path.display())]
    Syslog { path: PathBuf, source: io::Error },
    #[error("could not run git in {}", path.display())]
    Git { path: PathBuf, source: io::Error },
    #[error("git could not {attempted} in {}: {reason}", path.display())]
    GitRefused { attempted: &'static str, path: PathBuf, reason: String },
    /// Somebody else, or another server, uses the same repository.
    #[error("the tag {tag} in {} is of another checkpoint: give this server a repository of its own", path.display())]
    Taken { tag: String, path: PathBuf },
    #[error("it took longer than {} s", ANCHOR_MAX.as_secs())]
    TimedOut,
    /// A syslog daemon keeps its messages where it was told to.
    #[error("a syslog cannot be read back: name the file that it writes, as file:PATH")]
    NotReadable,
}

/// The anchor that every server has: a file beside its key. It is no outside witness, but a database that was set back
/// to an earlier state, by whomever, is told from it.
pub fn own_anchor(data: &Path) -> Anchor {
    Anchor::File(std::path::absolute(data).unwrap_or_else(|_| data.to_owned()).join("audit.anchor"))
}

/// Sends one checkpoint to one anchor. Sending it twice is borne by each: a crash between sending and noting it
/// makes that happen.
///
/// # Errors
/// When it is not certain that it is there.
async fn send(anchor: &Anchor, signed: &Signed, at_ms: i64) -> Result<(), AnchorError> {
    let witness = Witness::from(signed);
    let sending = async {
        match anchor {
            Anchor::File(path) => file::append(path.clone(), witness.to_string()).await,
            Anchor::Syslog(path) => syslog::send(path, &witness, at_ms).await,
            Anchor::Git(path) => git::tag(path, &witness, &signed.text).await,
        }
    };
    tokio::time::timeout(ANCHOR_MAX, sending).await.unwrap_or(Err(AnchorError::TimedOut))
}

/// The text of an error and of its causes, for the audit page.
fn whole_text(error: &AnchorError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
