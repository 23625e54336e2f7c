//! Lines of output as the templates see them.

use serde::Serialize;

use crate::id::AttemptId;

/// The last lines of one attempt, for the run page.
#[derive(Debug, Clone, Serialize)]
pub struct Tail {
    #[serde(skip)]
    pub attempt: AttemptId,
    /// Stable across updates, so that the script can tell which is which.
    pub key: String,
    pub title: String,
    /// `running`, `exit 0`.
    pub outcome: String,
    pub tone: &'static str,
    /// The page with all of it.
    pub href: String,
    pub lines: Vec<Line>,
    /// Lines before the first shown.
    pub earlier: u64,
    pub empty: bool,
    /// A preview or guard rather than the step's own command.
    pub aside: bool,
}

/// One line: `html` holds escaped text and colour classes only (see `web::ansi`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// From 1.
    pub number: u64,
    pub html: String,
    pub stderr: bool,
    /// Since the attempt began: `4.120`.
    pub at: String,
    /// Within the range that was asked for.
    pub marked: bool,
    /// A further part of a very long line: it has no number of its own.
    pub continues: bool,
    /// States of the line that were overwritten, as progress does.
    pub overwritten: usize,
    /// Where they are shown, on pages that can.
    pub states: Option<String>,
    /// Holds what was searched for.
    pub hit: bool,
}
