//! What changed in a runbook since it last ended well, as lines that a page can draw.

use serde::Serialize;

use crate::difference::{Difference, Line, LineKind, Part};
use crate::run::approval_view::{FileChange, SinceSuccess};
use crate::web::format;

/// A difference of up to this many lines is open when the page comes; a longer one is opened by who wants it.
const OPEN_LINES_MAX: usize = 30;

/// The last run of the same runbook that succeeded.
#[derive(Debug, Clone, Serialize)]
pub struct LastSuccess {
    pub href: String,
    pub commit: Option<String>,
    pub text_differs: bool,
    pub files: Vec<ChangedFile>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ChangedFile {
    pub file: String,
    /// `2 lines more, 1 line less`.
    pub words: String,
    pub note: Option<String>,
    pub is_open: bool,
    pub hunks: Vec<ShownHunk>,
    /// `and 40 lines more`; empty if all are shown.
    pub more: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ShownHunk {
    pub header: String,
    pub lines: Vec<ShownLine>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ShownLine {
    /// `same`, `removed` or `added`: a class.
    pub kind: &'static str,
    /// Read aloud and copied too: colour alone says nothing.
    pub sign: &'static str,
    pub parts: Vec<Part>,
    /// What is to be said about its end; empty if nothing.
    pub end: &'static str,
}

impl LastSuccess {
    pub fn new(since: &SinceSuccess) -> Self {
        Self {
            href: format!("/runs/{}", since.run),
            commit: since.commit.as_ref().map(|commit| commit.chars().take(12).collect()),
            text_differs: since.text_differs,
            files: since.files.iter().map(ChangedFile::new).collect(),
        }
    }
}

impl ChangedFile {
    fn new(change: &FileChange) -> Self {
        let none = Difference::default();
        let difference = change.difference.as_ref().unwrap_or(&none);
        let shown: usize = difference.hunks.iter().map(|hunk| hunk.lines.len()).sum();
        let lines = |count, word: &str| format!("{} {word}", format::count(count, "line", "lines"));
        Self {
            file: change.file.clone(),
            words: match &change.note {
                Some(_) => "changed".to_owned(),
                None => format!("{}, {}", lines(difference.added, "added"), lines(difference.removed, "removed")),
            },
            note: change.note.clone(),
            is_open: shown + difference.more <= OPEN_LINES_MAX,
            hunks: difference
                .hunks
                .iter()
                .map(|hunk| ShownHunk {
                    header: hunk.header.clone(),
                    lines: hunk.lines.iter().map(ShownLine::new).collect(),
                })
                .collect(),
            more: match difference.more {
                0 => String::new(),
                more => format!("{} more: compare them in the repository.", format::count(more, "line", "lines")),
            },
        }
    }
}

impl ShownLine {
    fn new(line: &Line) -> Self {
        let (kind, sign) = match line.kind {
            LineKind::Same => ("same", " "),
            LineKind::Removed => ("removed", "-"),
            LineKind::Added => ("added", "+"),
        };
        let end = match (line.is_cut, line.ends_bare) {
            (true, _) => " … (the line goes on)",
            (false, true) => " (no newline at the end)",
            (false, false) => "",
        };
        Self { kind, sign, parts: line.parts.clone(), end }
    }
}
