//! The history of runs: the filters as fields, as chips and as links, and the runs that fit them.

use serde::Serialize;

use crate::web::view::lists::{RunLine, STATES};

/// Runs with filters, newest first.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RunsPage {
    pub query: String,
    pub runbook: String,
    pub host: String,
    pub person: String,
    pub since: String,
    pub until: String,
    /// Whether the further filters are open: one of them is set.
    pub more: bool,
    /// Kept by the form, so that another filter does not end it.
    pub range: Option<&'static str>,
    pub states: Vec<StateOption>,
    pub ranges: Vec<RangeLink>,
    /// Runbooks to choose from while typing.
    pub runbooks: Vec<String>,
    /// What is filtered for now, each with the address of the list without it.
    pub chips: Vec<Chip>,
    /// The runs of whoever looks.
    pub mine: Option<String>,
    /// Why the filters ask for nothing that could be.
    pub problem: Option<String>,
    pub runs: Vec<RunLine>,
    pub older: Option<String>,
    /// Set on later pages.
    pub newest: Option<String>,
    pub as_csv: String,
    pub as_json: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct StateOption {
    pub value: &'static str,
    pub label: &'static str,
    pub chosen: bool,
}

/// A span of time up to now, one tap away.
#[derive(Debug, Clone, Serialize)]
pub struct RangeLink {
    pub words: &'static str,
    pub href: String,
    pub current: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Chip {
    pub name: &'static str,
    pub value: String,
    pub without: String,
}

/// The states that one may filter for, `chosen` marked.
pub fn state_options(chosen: &str) -> Vec<StateOption> {
    let any = [("", "any")];
    let all = any.iter().chain(&STATES);
    all.map(|(value, label)| StateOption { value, label, chosen: *value == chosen }).collect()
}
