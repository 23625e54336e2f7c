//! What follows when nothing of the current step is under way: the next step, or the author's `on_failure`.

use super::Draft;
use crate::id::HostName;
use crate::run::event::{DropReason, Event, PauseReason, RunEnd, StepResult};
use crate::run::plan::{Part, PlannedStep};
use crate::run::state::{Cell, CellState, Standing};
use crate::run::wave;
use crate::run::words::names;
use crate::runbook::model::OnFailure;

impl Draft<'_> {
    /// Called when no attempt is live.
    pub(super) fn settle(&mut self, index: usize) {
        if self.state.standing_hosts().next().is_none() {
            return self.end(RunEnd::Failed, "no host is left".to_owned());
        }
        if self.has_unknown(index) {
            return;
        }
        let step = self.step(index);
        let cells: Vec<Cell> = self.standing_cells(index);
        let failed: Vec<&Cell> = cells.iter().filter(|cell| cell.has_failed()).collect();
        let busy =
            cells.iter().any(|cell| matches!(cell.state, CellState::RetryAt { .. } | CellState::VerifyDue { .. }));
        if !failed.is_empty() && step.part == Part::Step && !busy {
            let hosts: Vec<HostName> = failed.iter().map(|cell| cell.host.clone()).collect();
            if self.follow_failure_policy(&step, &hosts) {
                return;
            }
        }
        if self.standing_cells(index).iter().all(|cell| wave::is_over(&step, cell)) {
            self.leave(index, &step);
        }
    }

    fn standing_cells(&self, index: usize) -> Vec<Cell> {
        self.state.steps[index].cells.iter().filter(|cell| !self.state.is_dropped(&cell.host)).cloned().collect()
    }

    /// True if the run does not simply go on.
    fn follow_failure_policy(&mut self, step: &PlannedStep, hosts: &[HostName]) -> bool {
        match step.on_failure {
            OnFailure::Continue => return false,
            OnFailure::SkipHost => {
                for host in hosts {
                    let why = DropReason::Failed(step.id.clone());
                    self.emit(Event::HostDropped { host: host.clone(), why });
                }
                return true;
            }
            OnFailure::Stop => {
                let why = format!("step {} failed on {}", step.id, names(hosts));
                self.end(RunEnd::Failed, why);
            }
            OnFailure::Undo => {
                let steps = self.undoable();
                if steps.is_empty() {
                    self.pause_for(step);
                } else {
                    self.emit(Event::UndoStarted { steps, by: None });
                }
            }
            // Escalation is refused at the start until people can be paged.
            OnFailure::Pause | OnFailure::Escalate => self.pause_for(step),
        }
        true
    }

    fn pause_for(&mut self, step: &PlannedStep) {
        self.emit(Event::RunPaused { why: PauseReason::StepFailed(step.id.clone()), by: None });
    }

    fn leave(&mut self, index: usize, step: &PlannedStep) {
        // Nobody is asked to approve what its preconditions refuse.
        let is_past = |next: &PlannedStep| next.part == Part::Step || next.approval.is_some();
        let next_is_step = self.state.plan.steps.get(index + 1).is_none_or(is_past);
        if step.part == Part::Precondition && next_is_step {
            let broken = self.broken_preconditions();
            if !broken.is_empty() {
                return self.end(RunEnd::Refused, broken.join("; "));
            }
        }
        self.enter(index + 1);
    }

    fn broken_preconditions(&self) -> Vec<String> {
        let steps = self.state.plan.steps.iter().zip(&self.state.steps);
        let preconditions = steps.filter(|(step, _)| step.part == Part::Precondition);
        preconditions
            .flat_map(|(step, state)| state.cells.iter().map(move |cell| (step, cell)))
            .filter_map(|(step, cell)| match &cell.state {
                CellState::Finished(StepResult::Failed(failure)) => {
                    let text = failure.advice.as_ref().unwrap_or(&failure.text);
                    Some(format!("{}: precondition \"{}\" does not hold: {text}", cell.host, step.name))
                }
                CellState::Finished(StepResult::TimedOut | StepResult::Cancelled) => {
                    Some(format!("{}: precondition \"{}\" could not be checked", cell.host, step.name))
                }
                _ => None,
            })
            .collect()
    }

    pub(super) fn end_well(&mut self) {
        let dropped: Vec<HostName> = self
            .state
            .hosts
            .iter()
            .filter(|host| matches!(host.standing, Standing::Dropped(DropReason::Failed(_))))
            .map(|host| host.name.clone())
            .collect();
        if !dropped.is_empty() {
            return self.end(RunEnd::Failed, format!("went on without {}", names(&dropped)));
        }
        let failed = self.state.steps.iter().filter(|step| step.cells.iter().any(Cell::has_failed)).count();
        let why = match failed {
            0 => "every step is done".to_owned(),
            1 => "every step is done; one failed and was passed".to_owned(),
            many => format!("every step is done; {many} failed and were passed"),
        };
        self.end(RunEnd::Succeeded, why);
    }
}
