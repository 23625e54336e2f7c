//! What has changed since the last look, a line each: for pipes, logs and terminals without colours.

use std::collections::BTreeMap;

use super::{NAMED_HOSTS_MAX, Paint, cell_line, heading, is_trouble, one_line};
use crate::id::{HostName, StepId};
use crate::run::view::{CellStateName, HostStanding, RunView, StepStateName, StepView};

/// What was told already.
#[derive(Default)]
pub(in crate::cli) struct Changes {
    headed: bool,
    steps: BTreeMap<StepId, StepStateName>,
    cells: BTreeMap<(StepId, HostName), (CellStateName, usize)>,
    hosts: BTreeMap<HostName, HostStanding>,
}

impl Changes {
    /// The lines that were not told yet.
    pub fn since(&mut self, view: &RunView, paint: Paint) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.headed {
            self.headed = true;
            lines.extend(heading(view, paint));
        }
        for host in &view.hosts {
            let before = self.hosts.insert(host.name.clone(), host.standing);
            let trouble =
                matches!(host.standing, HostStanding::Refused | HostStanding::Unreachable | HostStanding::Dropped);
            if trouble && before != Some(host.standing) {
                let note = host.note.as_deref().map(one_line).unwrap_or_default();
                lines.push(paint.bad(&format!("{}: {note}", host.name)));
            }
        }
        for (index, step) in view.steps.iter().enumerate() {
            let place = format!("[{}/{}]", index + 1, view.steps.len());
            self.step(step, &place, paint, &mut lines);
        }
        lines
    }

    fn step(&mut self, step: &StepView, place: &str, paint: Paint, lines: &mut Vec<String>) {
        let before = self.steps.insert(step.id.clone(), step.state);
        let begun = step.state != StepStateName::Pending && matches!(before, None | Some(StepStateName::Pending));
        if begun {
            lines.push(paint.bold(&format!("{place} {}", one_line(&step.name))));
        }
        let many = step.cells.len() > NAMED_HOSTS_MAX;
        for cell in &step.cells {
            let now = (cell.state, cell.attempts.len());
            let before = self.cells.insert((step.id.clone(), cell.host.clone()), now);
            let told = match cell.state {
                CellStateName::Pending | CellStateName::Waiting | CellStateName::Starting => false,
                CellStateName::Running => !many,
                CellStateName::Succeeded | CellStateName::Skipped => !many,
                state => is_trouble(state),
            };
            if told && before != Some(now) {
                lines.push(format!("  {}", cell_line(cell, paint)));
            }
        }
        let over = matches!(step.state, StepStateName::Succeeded | StepStateName::Skipped);
        if many && over && before != Some(step.state) {
            let good = step.cells.iter().filter(|cell| cell.state == CellStateName::Succeeded).count();
            lines.push(format!("  {}", paint.good(&format!("{good} of {} hosts succeeded", step.cells.len()))));
        }
    }
}
