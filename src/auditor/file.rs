//! An anchor that is a file: a line for each checkpoint, on disk before it counts as sent.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::AnchorError;

/// Appends a line and syncs it.
pub(super) async fn append(path: PathBuf, line: String) -> Result<(), AnchorError> {
    let place = path.clone();
    let written = tokio::task::spawn_blocking(move || append_now(&path, &line)).await;
    written.map_err(io::Error::other).flatten().map_err(|source| AnchorError::File { path: place, source })
}

fn append_now(path: &Path, line: &str) -> io::Result<()> {
    let is_new = !path.exists();
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    // A crash may have left half a line: what follows must not stand behind it.
    let text = if ends_with_newline(path)? { format!("{line}\n") } else { format!("\n{line}\n") };
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if is_new && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Also of an empty file. One that may only be appended to is taken to be whole: every line is looked for by its
/// beginning, wherever that is.
fn ends_with_newline(path: &Path) -> io::Result<bool> {
    let Ok(mut file) = File::open(path) else { return Ok(true) };
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_never_stands_behind_half_of_another() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("anchors");
        append(path.clone(), "one".into()).await.expect("it is written");
        append(path.clone(), "two".into()).await.expect("it is written");
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"thr"))
            .expect("it is written");
        append(path.clone(), "four".into()).await.expect("it is written");
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "one\ntwo\nthr\nfour\n");
        let missing = folder.path().join("none/anchors");
        let error = append(missing, "x".into()).await.expect_err("there is no such folder");
        assert!(error.to_string().contains("none/anchors"), "{error}");
    }
}
