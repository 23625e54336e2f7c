//! `oncall.yaml`: who is on call, whom a page reaches, and named windows of time. Pure: the time is an argument.
//!
//! A *rotation* is a place that somebody always holds; a *shift* is one person's hold of it from one moment to another
//! ([`shift`]). [`turns`] says whose turn it is whatever the clocks do, [`schedule`] works the overrides in, and
//! [`finding`] says where nobody or several hold it. A *chain* says who is paged, level by level.
//!
//! Runbooks name windows in their guards (`not_during: freeze`). What a name means is read anew right before each
//! changing step, so a freeze that is declared while a run is under way stops it there.

pub mod booking;
pub mod calendar;
pub mod escalation;
pub mod finding;
pub mod model;
mod parse;
pub mod schedule;
mod schema;
pub mod shift;
pub mod turns;
mod window;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

pub use parse::{VERSION, parse};
pub use schema::schema;
pub use window::{Span, Window};

use crate::diagnostic::{self, Diagnostic};
use crate::run::approval::ClosedWindow;
use crate::run::plan::{PlannedWindow, WindowRule};

/// The file in a runbook repository.
pub const FILE: &str = "oncall.yaml";

/// The file after reading, with all that is wrong with it. What could be read is there.
#[derive(Debug, Clone, Default)]
pub struct Oncall {
    /// The zone of all times that do not say another.
    pub zone: Option<TimeZone>,
    pub rotations: BTreeMap<String, model::Rotation>,
    pub overrides: Vec<model::Override>,
    pub chains: BTreeMap<String, model::Chain>,
    /// Channels that many read, by the names that the server's configuration file gives them.
    pub channels: Vec<String>,
    pub feeds: BTreeMap<String, model::Feed>,
    pub people: model::People,
    /// Where each rotation stands in the file, also those that could not be read.
    pub places: BTreeMap<String, diagnostic::Span>,
    pub windows: BTreeMap<String, Window>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Oncall {
    /// The windows of a plan that forbid changes at this time. A name that means nothing forbids them: nobody can say
    /// that it does not.
    pub fn closed(&self, planned: &[PlannedWindow], at_ms: i64) -> Vec<ClosedWindow> {
        planned
            .iter()
            .filter(|planned| !planned.overridden)
            .filter_map(|planned| self.closed_one(planned, at_ms))
            .collect()
    }

    fn closed_one(&self, planned: &PlannedWindow, at_ms: i64) -> Option<ClosedWindow> {
        let name = planned.name.clone();
        let Some(window) = self.windows.get(&name) else {
            let why = format!("{FILE} has no window {name}");
            return Some(ClosedWindow { name, until_ms: None, why });
        };
        let open = window.open_at(at_ms);
        let reason = window.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        match (planned.rule, open) {
            (WindowRule::Not, Some(open)) => {
                let why = format!("the window {name} is on{reason}");
                Some(ClosedWindow { name, until_ms: open.until_ms, why })
            }
            (WindowRule::Only, None) => {
                let (until_ms, why) = (window.next_after(at_ms), format!("it is outside of the window {name}{reason}"));
                Some(ClosedWindow { name, until_ms, why })
            }
            (WindowRule::Not, None) | (WindowRule::Only, Some(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests;
