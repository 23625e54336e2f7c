//! Taking back what was done, newest first, through the same gate as doing it.
//!
//! An undo is a command like any other: it changes a host, and what it takes back may be in use by now. So:
//!
//! - **Windows** hold it as they hold a changing step. A closed one is overridden by whom the policy lets, with a
//!   reason; an override that was given for the step itself while it was done holds for its undo as long as that window
//!   lasts. In an emergency the way out is thus the one that everybody knows, and it is recorded.
//! - **Approval** is asked for where the step asked for one: what needed two persons to do needs two to take back,
//!   or one person alone could run the other half of a guarded step by failing it. The word is for the undo's own
//!   command on its own hosts, and a word for the step itself is never used for it. The approval of a *whole run* asks
//!   nothing more here: who gave it agreed to the plan, of which its undos are part.
//! - **Locks** are held until the run ends, undos included; without them nothing begins.
//! - **The look** is as fresh as for any step. The step's own guards are not asked again: they say when it may be
//!   *done* ("the disk is full"), and doing it is what made them false; asked here they would forbid most undos.
//!
//! What a person takes back by hand heeds no window, as steps that are done by hand do not: nothing can hold a hand.

use super::Draft;
use super::gate::may_ask;
use super::person::{Answer, said};
use crate::id::StepId;
use crate::run::action::Refusal;
use crate::run::approval;
use crate::run::event::{Actor, Event, Purpose, RunEnd, StepResult};
use crate::run::plan::PlannedUndo;

impl Draft<'_> {
    /// Goes on taking back.
    pub(super) fn take_back(&mut self) {
        let Some(undo) = self.state.undo.clone() else {
            return;
        };
        let Some((index, host)) = undo.remaining.first() else {
            let why = match &undo.by {
                Some(by) => format!("taken back by {by}"),
                None => "a step failed and what was done was taken back".to_owned(),
            };
            return self.end(if undo.by.is_some() { RunEnd::Aborted } else { RunEnd::Failed }, why);
        };
        let position = self.state.steps[*index].cells.iter().position(|cell| cell.host == *host);
        let Some(position) = position.filter(|_| undo.attempt.is_none()) else {
            return;
        };
        let step = self.step(*index);
        let approved = self.state.steps[*index].cells[position].approved;
        if let Some(rule) = step.approval.as_ref().filter(|_| !approved)
            && may_ask(approval::of_step(&self.state, *index))
        {
            self.request_word(*index, &step, rule);
        }
        match &step.undo {
            Some(PlannedUndo::Run(_)) if self.passes_gate(*index, host) => {
                self.plan_attempt(*index, position, Purpose::Undo);
            }
            Some(PlannedUndo::Manual(_)) if !approved => {
                self.passes_gate(*index, host);
            }
            Some(PlannedUndo::Run(_) | PlannedUndo::Manual(_) | PlannedUndo::None) | None => {}
        }
    }

    pub(super) fn undo(&mut self, reason: &str, by: &Actor) -> Answer {
        said(reason, "say why it is taken back")?;
        if self.state.live_attempts().next().is_some() {
            return Err(Refusal::NotNow("something is still running; stop it first".to_owned()));
        }
        if self.state.undo.is_some() {
            return Err(Refusal::NotNow("it is being taken back already".to_owned()));
        }
        if self.state.current.is_some_and(|index| self.has_unknown(index)) {
            return Err(Refusal::NotNow("an outcome is unknown; resolve it first".to_owned()));
        }
        let steps = self.undoable();
        if steps.is_empty() {
            return Err(Refusal::NotNow("no step that was done says how to take it back".to_owned()));
        }
        self.emit(Event::UndoStarted { steps, by: Some(by.clone()) });
        Ok(())
    }

    pub(super) fn undo_done(&mut self, step: &StepId, _note: Option<String>, by: &Actor) -> Answer {
        let next = self.state.undo.as_ref().and_then(|undo| undo.remaining.first().cloned());
        let Some((index, host)) = next.filter(|(index, _)| self.state.plan.steps[*index].id == *step) else {
            return Err(Refusal::NotNow(format!("step {step} is not the one being taken back")));
        };
        if !matches!(self.state.plan.steps[index].undo, Some(PlannedUndo::Manual(_))) {
            return Err(Refusal::NotNow(format!("step {step} is taken back by a command")));
        }
        let approved = self.state.cell(step, &host).is_some_and(|cell| cell.approved);
        if self.state.plan.steps[index].approval.is_some() && !approved {
            return Err(Refusal::NotNow(format!("taking back step {step} waits for approval")));
        }
        self.emit(Event::UndoFinished {
            step: step.clone(),
            host,
            result: StepResult::Succeeded,
            by: Some(by.clone()),
        });
        Ok(())
    }

    /// The steps whose undo is a command or an instruction, newest first, that changed something.
    pub(super) fn undoable(&self) -> Vec<StepId> {
        let entered = self.state.current.map_or(0, |current| current + 1);
        (0..entered)
            .rev()
            .filter(|index| {
                matches!(self.state.plan.steps[*index].undo, Some(PlannedUndo::Run(_) | PlannedUndo::Manual(_)))
            })
            .filter(|index| self.state.steps[*index].cells.iter().any(|cell| cell.changed()))
            .map(|index| self.state.plan.steps[index].id.clone())
            .collect()
    }
}
