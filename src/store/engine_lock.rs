//! The exclusive right to be the engine of a data folder that uses SQLite.
//!
//! Only engines take it: `token`, `user`, `backup` and the like work beside a running server.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::open::make_private_dir;

/// Proof that this process is the only engine of the folder. Held until dropped; the system lets go of it when
/// the process dies in any way, so a crash never leaves a stale lock behind.
#[derive(Debug)]
pub struct EngineLock {
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EngineLockError {
    /// Another engine works on this folder.
    #[error("another steadyhand ({holder}) is running runs from {}: stop it, or use another data folder", data_dir.display())]
    Held {
        data_dir: PathBuf,
        /// `process 1234`, or `process unknown` when it has not yet written its number.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("could not lock {}", path.display())]
    Files { path: PathBuf, source: io::Error },
}

impl EngineLock {
    /// Takes the lock on `<data_dir>/engine.lock`, without waiting.
    ///
    /// # Errors
    /// `Held`, naming the process, when another engine has it.
    pub fn acquire(data_dir: &Path) -> Result<Self, EngineLockError> {
        let path = data_dir.join("engine.lock");
        let failed = |source| EngineLockError::Files { path: path.clone(), source };
        make_private_dir(data_dir).map_err(|error| failed(io::Error::other(error)))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                write_holder(&mut file).map_err(failed)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                Err(EngineLockError::Held { data_dir: data_dir.to_owned(), holder: read_holder(&mut file) })
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(20).read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(pid) => format!("process {pid}"),
        None => "process unknown".to_owned(),
    }
}
