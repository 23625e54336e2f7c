//! The key that signs checkpoints: a file of the data folder, made at first use, for its owner alone.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::audit::checkpoint::{PublicKey, SigningKey};
use crate::entropy;
use crate::id::Digest;

/// Its name in the data folder.
pub const KEY_FILE: &str = "audit.key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("could not use {}", path.display())]
    Files { path: PathBuf, source: io::Error },
    /// Whoever read it can sign as well.
    #[error("{} can be read by others than its owner: chmod 600 it, and if anybody did read it, make another", path.display())]
    Open { path: PathBuf },
    #[error("{} does not hold a key of 64 hexadecimal digits", path.display())]
    Malformed { path: PathBuf },
}

/// The key of a data folder, made if there is none. Two processes that make one at once get the same.
///
/// # Errors
/// When it cannot be read or made, or others can read it.
pub fn load_or_make(data_dir: &Path) -> Result<SigningKey, KeyError> {
    let path = data_dir.join(KEY_FILE);
    let failed = |source| KeyError::Files { path: path.clone(), source };
    if let Some(key) = load(data_dir)? {
        return Ok(key);
    }
    // Complete before it has its name. A temporary file is for its owner alone.
    let mut file = tempfile::NamedTempFile::new_in(data_dir).map_err(failed)?;
    let text = Zeroizing::new(format!("{}\n", Digest(entropy::fresh_token())));
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    match file.persist_noclobber(&path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error.error)),
        _ => fs::File::open(data_dir).and_then(|folder| folder.sync_all()).map_err(failed)?,
    }
    load(data_dir)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

/// The key of a data folder, if it has one.
///
/// # Errors
/// When it cannot be read, or others can read it.
pub fn load(data_dir: &Path) -> Result<Option<SigningKey>, KeyError> {
    let path = data_dir.join(KEY_FILE);
    let failed = |source| KeyError::Files { path: path.clone(), source };
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => Zeroizing::new(text.map_err(failed)?),
    };
    if fs::metadata(&path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Open { path });
    }
    let secret = Digest::try_from(text.trim().to_owned()).map_err(|_| KeyError::Malformed { path })?;
    Ok(Some(SigningKey::of(&secret.0)))
}

/// A public key as `steadyhand audit key` prints it: the text itself, or a file that holds it.
///
/// # Errors
/// It is neither.
pub fn public(text: &str) -> Result<PublicKey, KeyError> {
    if let Ok(key) = text.parse() {
        return Ok(key);
    }
    let path = PathBuf::from(text);
    let held = fs::read_to_string(&path).map_err(|source| KeyError::Files { path: path.clone(), source })?;
    held.parse().map_err(|_| KeyError::Malformed { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_refused_when_others_can_read_it() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        assert!(load(folder.path()).expect("nothing is in the way").is_none());
        let public = load_or_make(folder.path()).expect("it is made").public();
        assert_eq!(load_or_make(folder.path()).expect("it is there").public(), public);
        let path = folder.path().join(KEY_FILE);
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("our own file");
        assert!(matches!(load_or_make(folder.path()), Err(KeyError::Open { .. })));
        assert_eq!(super::public(&public.to_string()).expect("it is one"), public);
        assert!(super::public("nowhere").is_err());
    }
}
