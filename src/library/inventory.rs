//! The inventory at a revision: `inventory.yaml`, and what its `from` names.
//!
//! Programs and Ansible files are read as the commit has them: the commit's files are written to a private
//! folder first, and programs run there. So an uncommitted change never decides which hosts a run touches.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::program::{self, Call, ProgramError, Surroundings};
use super::revision::Revision;
use super::tree::{self, Kind};
use super::{FILE_BYTES_MAX, INVENTORY, Library, LibraryError};
use crate::diagnostic::Diagnostic;
use crate::inventory::entry::{Base, Loaded, Place};
use crate::inventory::parse::{Source, SourceKind};
use crate::inventory::ssh_config::{self, ConfigText, glob_matches};
use crate::inventory::{Inventory, ansible, parse};

/// A large Ansible inventory takes seconds; a cloud's API may take half a minute.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(60);

/// Ten thousand hosts with a page of variables each.
const LISTING_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Files of a commit that are written out for an inventory program.
const EXPORT_FILES_MAX: usize = 20_000;
const EXPORT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Files that one `Include` may mean.
const INCLUDED_MAX: usize = 100;

/// The hosts at a revision, and what is wrong with any of its sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadedInventory {
    /// What could be read. A host with a problem is not in it.
    pub inventory: Inventory,
    pub diagnostics: Vec<Diagnostic>,
}

impl Library {
    /// Reads the inventory at a revision and loads its sources. Without an `inventory.yaml` it is empty.
    ///
    /// # Errors
    /// The repository cannot be read. What is wrong with a source is a diagnostic.
    pub async fn inventory(&self, revision: &Revision) -> Result<LoadedInventory, LibraryError> {
        if self.look(revision, INVENTORY).await?.is_none() {
            return Ok(LoadedInventory::default());
        }
        let file = self.file(revision, INVENTORY).await?;
        let base = self.inventory_base();
        let parsed = parse(INVENTORY, &file.bytes, &base);
        let export = match revision {
            Revision::Commit(_) if parsed.sources.iter().any(needs_files) => Some(self.export(revision).await?),
            Revision::Commit(_) | Revision::Folder => None,
        };
        let folder = export.as_ref().map_or(self.folder.as_path(), TempDir::path);
        let mut loaded = Vec::new();
        for source in &parsed.sources {
            loaded.push(self.load(source, folder, &base).await);
        }
        let (inventory, diagnostics) = parsed.with_sources(loaded);
        Ok(LoadedInventory { inventory, diagnostics })
    }

    /// The hosts that `inventory.yaml` itself writes down. Nothing else is read and nothing is started, so the revision
    /// may be anybody's. With it, the sources that were left out.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn written_inventory(
        &self,
        revision: &Revision,
    ) -> Result<Option<(Inventory, Vec<SourceKind>)>, LibraryError> {
        if self.look(revision, INVENTORY).await?.is_none() {
            return Ok(None);
        }
        let file = self.file(revision, INVENTORY).await?;
        let parsed = parse(INVENTORY, &file.bytes, &self.inventory_base());
        let named = parsed.sources.iter().map(|source| source.kind.clone()).collect();
        Ok(Some((parsed.with_sources(Vec::new()).0, named)))
    }

    /// What paths in this repository's inventory are relative to. Keys are looked for beside the work
    /// tree's `inventory.yaml`, since private keys are not committed.
    pub fn inventory_base(&self) -> Base {
        Base { folder: self.folder.clone(), home: self.home() }
    }

    async fn load(&self, source: &Source, folder: &Path, base: &Base) -> Loaded {
        let place = &source.place;
        let files = Base { folder: folder.to_owned(), home: base.home.clone() };
        let loaded = match &source.kind {
            SourceKind::Ansible(path) => match files.path(path) {
                Ok(path) => self.ansible(&path, folder, place, base).await,
                Err(reason) => Err(reason),
            },
            SourceKind::Command(words) => {
                let arguments = words[1..].iter().map(OsString::from).collect();
                let program = program_path(&words[0], folder);
                self.listing(&program, arguments, folder, place, base).await
            }
            SourceKind::SshConfig(path) => files.path(path).and_then(|path| ssh_hosts(&path, place, &files)),
        };
        loaded.unwrap_or_else(|reason| Loaded {
            diagnostics: vec![place.error("inventory[source]", reason)],
            ..Loaded::default()
        })
    }

    async fn ansible(&self, path: &Path, folder: &Path, place: &Place, base: &Base) -> Result<Loaded, String> {
        if !path.exists() {
            return Err(format!("there is no {}", shown(path, folder)));
        }
        let arguments = vec![OsString::from("-i"), path.into(), "--list".into()];
        self.listing(OsStr::new("ansible-inventory"), arguments, folder, place, base).await
    }

    async fn listing(
        &self,
        program: &OsStr,
        arguments: Vec<OsString>,
        folder: &Path,
        place: &Place,
        base: &Base,
    ) -> Result<Loaded, String> {
        let surroundings = with_language(&self.surroundings);
        let call = Call {
            program,
            arguments,
            folder,
            surroundings: &surroundings,
            stdin: Vec::new(),
            timeout: PROGRAM_TIMEOUT,
            stdout_bytes_max: LISTING_BYTES_MAX,
        };
        let finished = program::run(call).await.map_err(|error| program_fault(&error))?;
        if !finished.succeeded() {
            return Err(format!("{} failed: {}", shown(Path::new(program), folder), finished.reason()));
        }
        Ok(ansible::read(&finished.stdout, place, base))
    }

    /// Writes a commit's files to a private folder. Links and submodules are left out.
    async fn export(&self, revision: &Revision) -> Result<TempDir, LibraryError> {
        let found = self.below(revision, "").await?;
        if found.len() > EXPORT_FILES_MAX {
            return Err(LibraryError::TooManyFiles { folder: self.folder.clone(), count_max: EXPORT_FILES_MAX });
        }
        let wanted: Vec<_> = found
            .into_iter()
            .filter(|found| matches!(found.kind, Kind::File | Kind::Executable) && tree::is_inner(&found.path))
            .filter(|found| found.bytes <= FILE_BYTES_MAX)
            .collect();
        let bytes: u64 = wanted.iter().map(|found| found.bytes).sum();
        if bytes > EXPORT_BYTES_MAX as u64 {
            let path = self.folder.display().to_string();
            return Err(LibraryError::TooLarge { path, bytes_max: EXPORT_BYTES_MAX as u64 });
        }
        let blobs: Vec<_> = wanted.iter().filter_map(|found| found.blob.as_ref()).collect();
        let contents = self.blobs(&blobs).await?;
        let folder = tempfile::Builder::new()
            .prefix("steadyhand-inventory-")
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir()
            .map_err(cannot_write(Path::new("a temporary folder")))?;
        for (found, content) in wanted.iter().zip(contents) {
            let path = folder.path().join(&found.path);
            write_private(&path, &content, found.kind).map_err(cannot_write(&path))?;
        }
        Ok(folder)
    }
}

fn cannot_write(path: &Path) -> impl FnOnce(std::io::Error) -> LibraryError {
    let path = path.to_owned();
    move |source| LibraryError::Read { path, source }
}

fn write_private(path: &Path, content: &[u8], kind: Kind) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mode = if kind == Kind::Executable { 0o700 } else { 0o600 };
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content)
}

/// Whether a source reads files of the repository, or runs in it.
fn needs_files(source: &Source) -> bool {
    match &source.kind {
        SourceKind::Ansible(_) | SourceKind::Command(_) => true,
        SourceKind::SshConfig(path) => !path.starts_with(['~', '/']),
    }
}

/// `./hosts.sh` is the repository's; a bare name is looked up in `PATH`.
fn program_path(word: &str, folder: &Path) -> OsString {
    if word.contains('/') { folder.join(word).into_os_string() } else { word.into() }
}

/// Ansible refuses to start in a language whose encoding is not UTF-8.
fn with_language(surroundings: &Surroundings) -> Surroundings {
    let is_utf8 = surroundings.get("LANG").is_some_and(|lang| {
        let lang = lang.to_string_lossy().to_ascii_lowercase();
        lang.contains("utf-8") || lang.contains("utf8")
    });
    if is_utf8 { surroundings.clone() } else { surroundings.clone().with("LANG", "C.UTF-8") }
}

fn program_fault(error: &ProgramError) -> String {
    match error {
        ProgramError::Start { program, .. } if error.is_missing() && program == "ansible-inventory" => {
            "ansible-inventory is not installed: install ansible-core, or use `command` with a script".to_owned()
        }
        ProgramError::Start { source, .. } | ProgramError::Pipe { source, .. } => format!("{error}: {source}"),
        ProgramError::TimedOut { .. } | ProgramError::TooMuchOutput { .. } => error.to_string(),
    }
}

/// A path without the private folder's name, which means nothing to a reader.
fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

fn ssh_hosts(path: &Path, place: &Place, base: &Base) -> Result<Loaded, String> {
    let main = config_text(path)?;
    Ok(ssh_config::read(&main, &|pattern| included(pattern, base), place, base))
}

fn config_text(path: &Path) -> Result<ConfigText, String> {
    let bytes = tree::read_file(path, FILE_BYTES_MAX).map_err(|error| match &error {
        LibraryError::Read { source, .. } => format!("{error}: {source}"),
        _ => error.to_string(),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", path.display()))?;
    Ok(ConfigText { name: path.display().to_string(), text })
}

/// The files that an `Include` means: `~`, or relative to `~/.ssh`; `*` and `?` in the last part.
fn included(pattern: &str, base: &Base) -> Result<Vec<ConfigText>, String> {
    let home = base.home.clone().unwrap_or_else(|| PathBuf::from("/"));
    let path = Base { folder: home.join(".ssh"), home: base.home.clone() }.path(pattern)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else {
        return Ok(Vec::new());
    };
    if folder.to_string_lossy().contains(['*', '?']) {
        return Err(format!("Include {pattern:?}: patterns are followed in the last part of the path only"));
    }
    if !name.contains(['*', '?']) {
        // As for ssh, a file that is not there is no error.
        return if path.is_file() { Ok(vec![config_text(&path)?]) } else { Ok(Vec::new()) };
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().and_then(OsStr::to_str).is_some_and(|file| glob_matches(name, file)))
        .filter(|path| path.is_file())
        .collect();
    if paths.len() > INCLUDED_MAX {
        return Err(format!("Include {pattern:?} means more than {INCLUDED_MAX} files"));
    }
    paths.sort();
    paths.iter().map(|path| config_text(path)).collect()
}
