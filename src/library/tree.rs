//! What is at a path: the same for a commit and for a plain folder.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::LibraryError;
use crate::id::Digest;

/// Deeper folders of a plain folder are not looked into.
const FOLDER_DEPTH_MAX: usize = 16;

/// A plain folder with more entries than this is not a folder of runbooks.
const FOLDER_ENTRIES_MAX: usize = 20_000;

/// Names a file's content: git's object id, or in a plain folder the SHA-256 of the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobId(pub(super) String);

impl BlobId {
    /// Its hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Executable,
    Link,
    Folder,
    /// A submodule, a device, a socket.
    Other,
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub path: String,
    pub kind: Kind,
    pub bytes: u64,
    /// `None` in a plain folder.
    pub blob: Option<BlobId>,
}

/// A path in the repository that names one file and cannot lead out: parts joined by `/`, none of them
/// empty, `.`, `..` or `.git`.
pub(super) fn is_inner(path: &str) -> bool {
    let is_good = |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    !path.chars().any(|letter| letter.is_control() || letter == '\\') && path.split('/').all(is_good)
}

/// Files below `under` in a folder on disk, sorted, without following links. Hidden folders are left out.
pub(super) fn walk(top: &Path, under: &str) -> Result<Vec<Found>, LibraryError> {
    let mut found = Vec::new();
    let start = top.join(under);
    match std::fs::symlink_metadata(&start) {
        Ok(metadata) if metadata.is_dir() => walk_into(&start, under, 0, &mut found)?,
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(LibraryError::Read { path: start, source }),
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

fn walk_into(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<Found>) -> Result<(), LibraryError> {
    let fault = |source| LibraryError::Read { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let metadata = entry.metadata().map_err(fault)?;
        let kind = kind_of(&metadata);
        if kind == Kind::Folder {
            if !name.starts_with('.') && depth < FOLDER_DEPTH_MAX {
                walk_into(&entry.path(), &path, depth + 1, found)?;
            }
            continue;
        }
        found.push(Found { path, kind, bytes: metadata.len(), blob: None });
        if found.len() > FOLDER_ENTRIES_MAX {
            return Err(LibraryError::TooManyFiles { folder: folder.to_owned(), count_max: FOLDER_ENTRIES_MAX });
        }
    }
    Ok(())
}

fn kind_of(metadata: &std::fs::Metadata) -> Kind {
    use std::os::unix::fs::PermissionsExt as _;
    match metadata.file_type() {
        kind if kind.is_symlink() => Kind::Link,
        kind if kind.is_dir() => Kind::Folder,
        kind if !kind.is_file() => Kind::Other,
        _ if metadata.permissions().mode() & 0o111 != 0 => Kind::Executable,
        _ => Kind::File,
    }
}

/// The entry at one path on disk. A link anywhere on the way is what is found.
pub(super) fn look(top: &Path, path: &str) -> Result<Option<Found>, LibraryError> {
    let mut place: PathBuf = top.to_owned();
    let mut found = None;
    for part in path.split('/') {
        place.push(part);
        let metadata = match std::fs::symlink_metadata(&place) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(None),
            Err(source) => return Err(LibraryError::Read { path: place, source }),
        };
        let kind = kind_of(&metadata);
        found = Some(Found { path: path.to_owned(), kind, bytes: metadata.len(), blob: None });
        if kind == Kind::Link {
            break;
        }
    }
    Ok(found)
}

/// Reads at most `bytes_max` of a file on disk. What grew since it was looked at is refused too.
pub(super) fn read_file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, LibraryError> {
    let fault = |source| LibraryError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(fault)?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() as u64 > bytes_max {
        return Err(LibraryError::TooLarge { path: path.display().to_string(), bytes_max });
    }
    Ok(bytes)
}

/// The id that a file of a plain folder has.
pub(super) fn folder_blob(bytes: &[u8]) -> BlobId {
    BlobId(Digest::of(bytes).to_string())
}
