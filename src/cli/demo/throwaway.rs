//! The folder that everything of a demo lies in, and its end.
//!
//! A demo holds a lock on its folder as long as it lives; the kernel lets go of it however the demo ends. So the
//! next start finds what a killed one has left and ends it the same way as a living one ends itself.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::processes;

const PREFIX: &str = "steadyhand-demo-";

/// Between two looks for processes that were just killed.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks before a folder is given up: ten seconds, as long as a busy machine needs to bury a process.
const LOOKS_MAX: usize = 500;

/// Another start's sweep may take a folder between its making and its locking; that this happens often is a defect.
const TRIES_MAX: usize = 10;

/// A demo's folder, private to this account.
pub(super) struct Throwaway {
    pub folder: PathBuf,
    /// Held for its lock alone.
    _lock: File,
}

impl Throwaway {
    pub fn make() -> io::Result<Self> {
        let above = fs::canonicalize(std::env::temp_dir())?;
        for _ in 0..TRIES_MAX {
            // As it is made, and whatever the umask: keys and data lie in it.
            let private = fs::Permissions::from_mode(0o700);
            let made = tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(&above)?;
            let Ok(lock) = File::open(made.path()) else { continue };
            if lock.try_lock().is_ok() && made.path().exists() {
                return Ok(Self { folder: made.keep(), _lock: lock });
            }
        }
        Err(io::Error::other("each folder that was made was removed again at once"))
    }

    /// Ends every process of the demo and removes all that it made.
    pub async fn end(self) -> io::Result<()> {
        end(&self.folder).await
    }
}

/// Ends what killed demos of this account have left; how many there were.
pub(super) async fn sweep() -> usize {
    let Ok(above) = fs::canonicalize(std::env::temp_dir()) else { return 0 };
    let mut swept = 0;
    for folder in folders_of_demos(&above) {
        // Whoever can lock it is alone with it. Two sweeps at once do no harm, only work.
        let Ok(lock) = File::open(&folder) else { continue };
        if lock.try_lock().is_ok() && end(&folder).await.is_ok() {
            swept += 1;
        }
    }
    swept
}

fn folders_of_demos(above: &Path) -> Vec<PathBuf> {
    let own = rustix::process::geteuid().as_raw();
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)))
        // Of the entry itself: a link is not followed.
        .filter(|entry| entry.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own))
        .map(|entry| entry.path())
        .collect()
}

async fn end(folder: &Path) -> io::Result<()> {
    let mut failed = io::Error::other("its processes do not end");
    for _ in 0..LOOKS_MAX {
        let left = processes::of_folder(folder);
        if left.is_empty() {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => failed = error,
                Ok(()) | Err(_) => return Ok(()),
            }
        }
        for process in left {
            // One that has ended meanwhile is what we want.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(failed)
}
