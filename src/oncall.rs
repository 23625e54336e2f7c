//! `oncall.yaml`: named windows of time, such as a freeze or a night. Pure: the time is an argument.
//!
//! Runbooks name windows in their guards (`not_during: freeze`). What a name means is read anew right before each
//! changing step, so a freeze that is declared while a run is under way stops it there.

mod parse;
mod schema;
mod window;

use std::collections::BTreeMap;

pub use parse::{VERSION, parse};
pub use schema::schema;
pub use window::{Span, Window};

use crate::diagnostic::Diagnostic;
use crate::run::approval::ClosedWindow;
use crate::run::plan::{PlannedWindow, WindowRule};

/// The file in a runbook repository.
pub const FILE: &str = "oncall.yaml";

/// The file after reading, with all that is wrong with it. What could be read is there.
#[derive(Debug, Clone, Default)]
pub struct Oncall {
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
