//! What lists of runs and of runbooks share: a run in a line, the words of its state, a problem in a file.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Severity};
use crate::web::format::Moment;

/// One run in a list.
#[derive(Debug, Clone, Serialize)]
pub struct RunLine {
    pub href: String,
    pub title: String,
    pub runbook: String,
    pub place: String,
    pub state: String,
    /// Its class, which draws a sign as well as a colour.
    pub tone: &'static str,
    pub waiting: Option<String>,
    pub progress: String,
    pub started: Moment,
    /// How long it took; none while it goes on.
    pub lasted: Option<String>,
    pub by: String,
    pub commit: Option<String>,
}

/// The states that a run may be in, as they are stored, and as people choose among them.
pub const STATES: [(&str, &str); 6] = [
    ("waiting", "waits for a person"),
    ("running", "running"),
    ("paused", "paused"),
    ("succeeded", "succeeded"),
    ("failed", "failed"),
    ("aborted", "aborted"),
];

/// The word and the class of a stored state.
pub fn stored_state(state: &str) -> (String, &'static str) {
    let (word, tone) = match state {
        "running" => ("Running", "run"),
        "waiting" => ("Waits", "wait"),
        "paused" => ("Paused", "wait"),
        "succeeded" => ("Succeeded", "good"),
        "failed" => ("Failed", "bad"),
        "aborted" => ("Aborted", "still"),
        other => return (other.to_owned(), "still"),
    };
    (word.to_owned(), tone)
}

/// One problem in a file.
#[derive(Debug, Clone, Serialize)]
pub struct DiagnosticLine {
    pub severity: &'static str,
    pub place: String,
    pub message: String,
    pub help: Option<String>,
    pub rule: String,
}

impl DiagnosticLine {
    pub fn new(found: &Diagnostic) -> Self {
        Self {
            severity: match found.severity {
                Severity::Info => "info",
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            place: format!("{}:{}:{}", found.file, found.span.line, found.span.column),
            message: found.message.clone(),
            help: found.help.clone(),
            rule: found.rule.clone(),
        }
    }
}
