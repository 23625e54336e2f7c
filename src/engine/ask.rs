//! What can be asked of the engine, and why it may say no.

use std::collections::BTreeMap;

use crate::access::identity::Identity;
use crate::id::{HostName, InvalidId, RunId, RunbookPath, StepId, ValueName};
use crate::redact::SecretText;
use crate::run::action::Refusal;
use crate::run::plan::Pace;

/// A wish to start a run.
#[derive(Clone)]
pub struct StartRequest {
    pub runbook: RunbookPath,
    /// A branch, tag or commit; none: what the library serves.
    pub git_ref: Option<String>,
    /// Values as texts; the runbook's inputs give them types.
    pub inputs: BTreeMap<ValueName, String>,
    pub secrets: Vec<(ValueName, SecretText)>,
    pub hosts: HostsAsked,
    pub pace: Pace,
    /// The number of hosts as the starter states it.
    pub confirm_hosts: Option<u32>,
    /// Who asks: what they may is decided here, whatever the door.
    pub who: Identity,
    /// Why it is started although a guard asks for a reason.
    pub reason: Option<String>,
    /// Windows that the starter goes on against, by name, where they are closed. A reason that was given for something
    /// else does not speak for a window that closed meanwhile.
    pub override_windows: Vec<String>,
    /// Take up an earlier run of the same runbook at this step.
    pub continues: Option<(RunId, StepId)>,
    /// The same key gives the same run, for a day: a repeated post starts nothing twice.
    pub idempotency_key: Option<String>,
}

/// Which of the runbook's hosts the run is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostsAsked {
    /// What the runbook itself selects.
    AsSelected,
    Names(Vec<HostName>),
    /// A label selector, within the runbook's own selection.
    Select(String),
}

/// A run that was started, or was there under the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    pub run: RunId,
    pub seq: u64,
    /// False if the idempotency key had started it before.
    pub fresh: bool,
}

/// Why a run was not started. Nothing has happened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("there is no runbook {runbook} at {at}")]
    NoSuchRunbook { runbook: RunbookPath, at: String },
    /// The runbook does not parse or check; the diagnostics say where.
    #[error("{runbook} has {} problems and cannot run", .diagnostics.len())]
    Broken { runbook: RunbookPath, diagnostics: Vec<crate::diagnostic::Diagnostic> },
    /// One or more inputs do not fit: name and reason.
    #[error("{}", inputs_sentence(.0))]
    Inputs(Vec<(String, String)>),
    /// The hosts asked for do not fit the runbook or the inventory.
    #[error("{0}")]
    Hosts(String),
    /// The runbook uses what this version cannot do.
    #[error("{runbook} cannot be started: not yet available: {}", .fields.join(", "))]
    NotYetAvailable { runbook: RunbookPath, fields: Vec<String> },
    /// A guard says no: a lock that another run holds, a wrong host count, a runbook that forbids `auto`.
    #[error("{0}")]
    Guard(String),
    /// Windows are closed, and the start does not go on against them, by their names and with a reason. `to_override` are
    /// those that whoever asks may go on against.
    #[error("{why}")]
    Windows { why: String, to_override: Vec<String> },
    /// Whoever asks may not start this, there.
    #[error("{0}")]
    NotAllowed(String),
    #[error("the server is draining and starts nothing new; try again after its restart")]
    Draining,
    #[error(transparent)]
    InvalidId(#[from] InvalidId),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

fn inputs_sentence(inputs: &[(String, String)]) -> String {
    let parts: Vec<String> = inputs.iter().map(|(name, reason)| format!("input {name}: {reason}")).collect();
    parts.join("; ")
}

/// Why an action was not taken. Nothing has happened.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error("there is no run {0}")]
    NoSuchRun(RunId),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What failed inside the server while it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store could not read or write; nothing that was not stored has happened.
    #[error("the server could not {attempted}: {reason}")]
    Storage { attempted: String, reason: String },
    #[error("the server could not read the runbooks: {0}")]
    Library(String),
}

/// An error with everything that led to it, for people who are to mend the cause.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
