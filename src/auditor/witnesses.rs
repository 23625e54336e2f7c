//! Reads back what was sent outside, for comparing.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::{AnchorError, git};
use crate::audit::anchor::{Anchor, Witness};

/// Every checkpoint that an anchor knows, in its own order.
///
/// # Errors
/// When it cannot be read.
pub async fn read(anchor: &Anchor) -> Result<Vec<Witness>, AnchorError> {
    match anchor {
        Anchor::File(path) => in_file(path),
        Anchor::Git(path) => git::tags(path).await,
        Anchor::Syslog(_) => Err(AnchorError::NotReadable),
    }
}

/// Lines about anything else are passed over, so that a file that a syslog daemon writes can be named as well.
fn in_file(path: &Path) -> Result<Vec<Witness>, AnchorError> {
    let failed = |source| AnchorError::Read { path: path.to_owned(), source };
    let file = BufReader::new(std::fs::File::open(path).map_err(failed)?);
    let mut witnesses = Vec::new();
    for line in file.split(b'\n') {
        witnesses.extend(Witness::in_line(&String::from_utf8_lossy(&line.map_err(failed)?)));
    }
    Ok(witnesses)
}
