//! What a decision is about: the server, a runbook, or a run with its hosts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{HostName, RunbookPath};
use crate::inventory::target::Target;

/// The name of the server itself among the hosts of a plan.
pub const SERVER_NAME: &str = "localhost";

/// What a decision is about.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// The server as a whole.
    Server,
    /// A runbook, wherever it would run.
    Runbook { path: &'a RunbookPath, tags: &'a [String] },
    /// A run, or one that would be started.
    Run(&'a Scope),
    /// A handoff, by the runs that it tells of; and the two who hand over, who may have one that tells of none.
    Handoff { scopes: &'a [Scope], sides: [&'a str; 2] },
}

/// Everything about a run that decides who may see and touch it. Stored with its row, so that a list is one query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub runbook: RunbookPath,
    pub tags: Vec<String>,
    /// Every host on which a command of it may run, with the labels that it had when the run was frozen.
    pub hosts: Vec<ScopedHost>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopedHost {
    pub name: HostName,
    pub labels: BTreeMap<String, String>,
}

impl Scope {
    /// The scope of a run on these hosts.
    pub fn of<'t>(runbook: &RunbookPath, tags: &[String], targets: impl IntoIterator<Item = &'t Target>) -> Self {
        let hosts = targets
            .into_iter()
            .map(|target| ScopedHost { name: target.name.clone(), labels: target.labels.clone() })
            .collect();
        Self { runbook: runbook.clone(), tags: tags.to_vec(), hosts }
    }
}

impl ScopedHost {
    /// Whether it is the server itself, as `on: local` and runbooks without hosts have it.
    pub fn is_server(&self) -> bool {
        self.name.as_str() == SERVER_NAME && self.labels.is_empty()
    }
}
