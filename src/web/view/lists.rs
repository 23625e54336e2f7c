//! Lists of runs and of runbooks, home among them.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Severity};
use crate::web::format::Moment;

/// One run in a list.
#[derive(Debug, Clone, Serialize)]
pub struct RunLine {
    pub href: String,
    pub title: String,
    pub place: String,
    pub state: String,
    pub tone: &'static str,
    pub waiting: Option<String>,
    pub progress: String,
    pub started: Moment,
    pub by: String,
}

/// The first page: what waits, what runs, what was.
#[derive(Debug, Clone, Serialize)]
pub struct HomePage {
    pub headline: String,
    pub waiting: Vec<RunLine>,
    pub running: Vec<RunLine>,
    pub recent: Vec<RunLine>,
}

/// Runs with filters, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct RunsPage {
    pub query: String,
    pub runbook: String,
    pub host: String,
    pub states: Vec<StateOption>,
    pub runs: Vec<RunLine>,
    pub older: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct StateOption {
    pub value: &'static str,
    pub label: &'static str,
    pub chosen: bool,
}

/// The states that one may filter for, `chosen` marked.
pub fn state_options(chosen: &str) -> Vec<StateOption> {
    [
        ("", "any"),
        ("waiting", "waits for a person"),
        ("running", "running"),
        ("paused", "paused"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("aborted", "aborted"),
    ]
    .map(|(value, label)| StateOption { value, label, chosen: value == chosen })
    .to_vec()
}

/// The word and class of a stored state.
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

/// The runbooks, searched.
#[derive(Debug, Clone, Serialize)]
pub struct RunbooksPage {
    pub query: String,
    pub words: String,
    pub commit: Option<String>,
    pub books: Vec<BookLine>,
    pub empty: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct BookLine {
    pub path: String,
    pub name: String,
    pub summary: String,
    pub owner: Option<String>,
    pub tags: Vec<String>,
    pub overdue: Option<String>,
    pub broken: bool,
    pub problems: String,
    pub diagnostics: Vec<DiagnosticLine>,
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
