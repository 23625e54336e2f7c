//! Reads the file, and refuses one that others could have written.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::model::Config;
use super::parse::parse;
use crate::diagnostic::Diagnostic;
use crate::environment;
use crate::inventory::Base;
use crate::yaml;

/// Rights to write for the group and for everybody.
const OTHERS_WRITE: u32 = 0o022;

/// Why a configuration file was not taken. Nothing of it holds.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// Whoever may write it chooses what programs the server starts.
    #[error("others may write the configuration {}", .path.display())]
    OthersWrite { path: PathBuf },
    #[error("the configuration {} belongs to another account ({owner})", .path.display())]
    AnotherOwner { path: PathBuf, owner: u32 },
    #[error("the configuration {} has {} problems", .path.display(), .diagnostics.len())]
    Broken { path: PathBuf, text: String, diagnostics: Vec<Diagnostic> },
}

impl ConfigError {
    /// What to do about it.
    pub fn next_step(&self) -> String {
        match self {
            Self::Unreadable { .. } => "name a file that this account may read with --config".to_owned(),
            Self::OthersWrite { path } => format!("take the right away: chmod go-w {}", path.display()),
            Self::AnotherOwner { path, .. } => {
                format!("give it to this account or to root: chown root {}", path.display())
            }
            Self::Broken { path, .. } => {
                format!("mend what is said above; to look again: steadyhand check {}", path.display())
            }
        }
    }
}

/// Reads a configuration file whole, or says everything that is wrong with it.
///
/// # Errors
/// See [`ConfigError`].
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let whole = std::path::absolute(path).map_err(unreadable)?;
    let mut file = File::open(&whole).map_err(unreadable)?;
    // Of the open file, not of its name: nobody can swap it in between.
    let facts = file.metadata().map_err(unreadable)?;
    if facts.permissions().mode() & OTHERS_WRITE != 0 {
        return Err(ConfigError::OthersWrite { path: path.to_owned() });
    }
    let this_account = rustix::process::geteuid().as_raw();
    if facts.uid() != this_account && facts.uid() != 0 {
        return Err(ConfigError::AnotherOwner { path: path.to_owned(), owner: facts.uid() });
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed, so that the parser can say that it is too long.
    let limit = u64::try_from(yaml::BYTES_MAX).expect("the limit fits in 64 bits") + 1;
    file.by_ref().take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    let folder = whole.parent().unwrap_or(Path::new("/")).to_owned();
    let base = Base { folder, home: environment::os_text("HOME").map(PathBuf::from) };
    let parsed = parse(&path.to_string_lossy(), &bytes, &base);
    match parsed.config.filter(|_| parsed.diagnostics.is_empty()) {
        Some(config) => Ok(config),
        None => Err(ConfigError::Broken {
            path: path.to_owned(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            diagnostics: parsed.diagnostics,
        }),
    }
}
