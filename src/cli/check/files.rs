//! Which files a check reads: the ones that are named, and the runbooks of folders that are named.
//!
//! Folders are walked without following links out of them: a repository is somebody else's text, and must not
//! make us read what its author cannot see.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::super::explain::Explain;
use super::super::report::CheckedFile;
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::id::RunbookPath;

/// Folders inside one another; deeper ones are not looked into. Runbook paths end at 200 characters anyway.
const DEPTH_MAX: usize = 32;

/// Files of a repository beside its runbooks.
const BESIDE: [(&str, FileKind); 3] = [
    ("inventory.yaml", FileKind::Inventory),
    (crate::access::FILE, FileKind::Access),
    (crate::oncall::FILE, FileKind::Oncall),
];

/// What there is to check.
#[derive(Default)]
pub(super) struct Found {
    pub(super) files: Vec<FoundFile>,
    /// Files that cannot be a runbook whatever is in them, with the reason.
    pub(super) refused: Vec<CheckedFile>,
    pub(super) unreadable: Vec<(String, io::Error)>,
}

pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    /// How reports name it: relative to where the program was started, with `/`.
    pub(super) shown: String,
    pub(super) kind: FileKind,
}

#[derive(Clone)]
pub(super) enum FileKind {
    Runbook(RunbookPath),
    Inventory,
    Access,
    Oncall,
    /// A server's configuration, named on the command line.
    Server,
}

/// The files at `paths`.
///
/// # Errors
/// A path does not exist or cannot be looked at, or there is no runbook at all.
pub(super) fn find(paths: &[PathBuf]) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for path in paths {
        let metadata = fs::metadata(path)
            .explain(format!("cannot check {}", path.display()), "name a runbook file or a folder that exists")?;
        if metadata.is_dir() {
            found.folder(path);
        } else {
            found.file(path);
        }
    }
    if found.files.is_empty() && found.refused.is_empty() && found.unreadable.is_empty() {
        super::nothing_to_check(paths)?;
    }
    let mut seen = BTreeSet::new();
    found.files.retain(|file| seen.insert(file.shown.clone()));
    Ok(found)
}

impl Found {
    fn folder(&mut self, folder: &Path) {
        let runbooks = folder.join("runbooks");
        if runbooks.is_dir() {
            self.walk(&runbooks, folder, 0);
            for (name, _) in BESIDE {
                if folder.join(name).is_file() {
                    self.file(&folder.join(name));
                }
            }
        } else if is_below_runbooks(folder) {
            self.walk(folder, folder, 0);
        }
    }

    /// `root` is what no link may lead out of.
    fn walk(&mut self, folder: &Path, root: &Path, depth: usize) {
        let entries = match fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => return self.unreadable.push((shown(folder), error)),
        };
        for entry in entries {
            let path = entry.path();
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            match entry.file_type() {
                _ if is_hidden => {}
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => self.walk(&path, root, depth + 1),
                Ok(kind) if kind.is_symlink() && has_extension(&path, "yaml") => self.link(&path, root),
                Ok(kind) if kind.is_file() => self.walked_file(&path),
                Ok(_) => {}
                Err(error) => self.unreadable.push((shown(&path), error)),
            }
        }
    }

    fn walked_file(&mut self, path: &Path) {
        if has_extension(path, "yaml") {
            self.file(path);
        } else if has_extension(path, "yml") {
            self.refuse(path, "a runbook's file name ends in `.yaml`; this file is not read", "rename it");
        }
    }

    /// A link to a file inside is that file once more under another name; one that leads out is not followed.
    fn link(&mut self, path: &Path, root: &Path) {
        match (path.canonicalize(), root.canonicalize()) {
            (Ok(target), Ok(root)) if !target.starts_with(&root) => {
                self.refuse(
                    path,
                    "this link leads out of the repository; it is not followed",
                    "put the file itself here",
                );
            }
            (Ok(target), Ok(_)) if target.is_file() => self.file(path),
            (Ok(_), Ok(_)) => {}
            (Err(error), _) | (_, Err(error)) => self.unreadable.push((shown(path), error)),
        }
    }

    fn file(&mut self, path: &Path) {
        if let Some(kind) = beside_runbooks(path) {
            return self.files.push(FoundFile { path: path.to_owned(), shown: shown(path), kind });
        }
        if is_server(path) {
            return self.files.push(FoundFile { path: path.to_owned(), shown: shown(path), kind: FileKind::Server });
        }
        match runbook_path(path) {
            Some(runbook) => {
                let kind = FileKind::Runbook(runbook);
                self.files.push(FoundFile { path: path.to_owned(), shown: shown(path), kind });
            }
            None => self.refuse(
                path,
                "a runbook cannot be named by this path",
                "use letters, digits, `.`, `_` and `-` in names of files and folders, and end in `.yaml`",
            ),
        }
    }

    fn refuse(&mut self, path: &Path, message: &str, help: &str) {
        let name = shown(path);
        let at = Span::within("", 0, 0);
        let diagnostic = Diagnostic::new("file-name", Severity::Error, &name, at, message).help(help);
        self.refused.push(CheckedFile { name, text: String::new(), diagnostics: vec![diagnostic] });
    }
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension == wanted)
}

/// A file of such a name below `runbooks/` is a runbook.
fn beside_runbooks(path: &Path) -> Option<FileKind> {
    let (_, kind) = BESIDE.iter().find(|(known, _)| path.file_name().is_some_and(|name| name == *known))?;
    (!path.parent().is_some_and(is_below_runbooks)).then(|| kind.clone())
}

/// `steadyhand.server.yaml`, or another name that ends like it.
fn is_server(path: &Path) -> bool {
    let named_so = path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(b"server.yaml"));
    named_so && !path.parent().is_some_and(is_below_runbooks)
}

fn is_below_runbooks(folder: &Path) -> bool {
    // An absolute path of what is named, links and all: `runbooks` is a name in the reader's own folders.
    std::path::absolute(folder.join(".")).is_ok_and(|folder| folder.iter().any(|part| part == "runbooks"))
}

/// `…/runbooks/web/disk-full.yaml` is `web/disk-full`; a file elsewhere is named by its file name.
fn runbook_path(path: &Path) -> Option<RunbookPath> {
    let whole = std::path::absolute(path).ok()?;
    let parts: Vec<&str> = whole.iter().map(|part| part.to_str()).collect::<Option<_>>()?;
    let first = parts.iter().rposition(|part| *part == "runbooks").map_or(parts.len() - 1, |index| index + 1);
    parts[first..].join("/").strip_suffix(".yaml")?.parse().ok()
}

fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(&here).unwrap_or(path);
    let parts = relative.components().filter(|part| *part != Component::CurDir);
    parts.collect::<PathBuf>().to_string_lossy().into_owned()
}
