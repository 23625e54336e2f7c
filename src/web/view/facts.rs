//! What one looks up beside a run: who, when, from what, with which values, where.

use serde::Serialize;

use crate::run::plan::Pace;
use crate::run::view::{HostStanding, HostView, RunView};
use crate::web::format::Moment;
use crate::web::view::run::InputLine;

/// What `run::picture` gives for the value of a secret input.
const SECRET_SHOWN_AS: &str = "(secret)";

/// What one looks up: who, when, from what, with which values, where.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    pub may_share: bool,
    pub id: String,
    pub summary: String,
    pub runbook: String,
    pub commit: Option<String>,
    pub digest: String,
    pub started_by: String,
    pub started: Moment,
    pub ended: Option<Moment>,
    pub driver: String,
    /// Names that it holds on its hosts; empty if none.
    pub locks: String,
    pub reason: Option<String>,
    pub pace: &'static str,
    pub inputs: Vec<InputLine>,
    pub hosts: Vec<HostLine>,
    /// The start form with the same values.
    pub again: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct HostLine {
    pub name: String,
    pub address: String,
    pub labels: String,
    pub standing: &'static str,
    pub tone: &'static str,
    pub note: Option<String>,
}

impl Facts {
    pub fn new(view: &RunView, now_ms: i64) -> Self {
        Self {
            may_share: true,
            id: view.id.to_string(),
            summary: view.summary.clone(),
            runbook: view.runbook.clone(),
            commit: view.commit.as_ref().map(|commit| commit.chars().take(12).collect()),
            digest: view.plan_digest.chars().take(12).collect(),
            started_by: view.started_by.to_string(),
            started: Moment::new(view.started_at_ms, now_ms),
            ended: view.ended_at_ms.map(|ended_at_ms| Moment::new(ended_at_ms, now_ms)),
            driver: view.driver.to_string(),
            locks: view.locks.join(", "),
            reason: reason(view),
            pace: match view.pace {
                Pace::Step => "each changing step waits for its driver",
                Pace::Auto => "goes on until something needs a person",
            },
            inputs: view
                .inputs
                .iter()
                .map(|(name, value)| InputLine { name: name.clone(), value: value.clone() })
                .collect(),
            hosts: view.hosts.iter().map(HostLine::new).collect(),
            again: again(view),
        }
    }
}

impl HostLine {
    fn new(host: &HostView) -> Self {
        let (standing, tone) = match host.standing {
            HostStanding::Unproven => ("not yet proven", "still"),
            HostStanding::Proven => ("proven", "good"),
            HostStanding::Refused => ("refused", "bad"),
            HostStanding::Unreachable => ("cannot be reached", "bad"),
            HostStanding::Dropped => ("left out", "still"),
        };
        Self {
            name: host.name.to_string(),
            address: host.address.clone(),
            labels: host.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", "),
            standing,
            tone,
            note: host.note.clone(),
        }
    }
}

/// Why it was started, and against what.
fn reason(view: &RunView) -> Option<String> {
    let reason = view.override_reason.as_ref()?;
    Some(match view.overridden_windows.as_slice() {
        [] => reason.clone(),
        windows => format!("{reason} (against the window {})", windows.join(", ")),
    })
}

/// The start form with the values of this run; opening it starts nothing.
pub fn again(view: &RunView) -> String {
    let mut query = form_urlencoded_pairs(view);
    if query.is_empty() {
        query.push_str("again=1");
    }
    format!("/start/{}?{query}", view.runbook)
}

fn form_urlencoded_pairs(view: &RunView) -> String {
    // The picture shows secrets as words in brackets, which are nobody's value.
    let known = view.inputs.iter().filter(|(_, value)| value != SECRET_SHOWN_AS);
    let inputs = known.map(|(name, value)| (format!("input.{name}"), value.as_str()));
    let hosts = view.hosts.iter().map(|host| ("host".to_owned(), host.name.as_str()));
    crate::web::query::encode(inputs.chain(hosts))
}
