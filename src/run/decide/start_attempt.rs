//! Plans one attempt: everything that will run is fixed and stored before the host is touched.

use super::Draft;
use crate::id::Digest;
use crate::run::action::Effect;
use crate::run::evaluate;
use crate::run::event::{AttemptPlan, Event, FailedBecause, Purpose, StepResult};
use crate::run::plan::PlannedAction;
use crate::run::script;

impl Draft<'_> {
    pub(super) fn plan_attempt(&mut self, index: usize, position: usize, purpose: Purpose) {
        let step = self.step(index);
        let cell = &self.state.steps[index].cells[position];
        let (host, number) = (cell.host.clone(), cell.attempts.len() as u32 + 1);
        let values = evaluate::values_on(&self.state, &host);
        let Some(script) = script::compose(&step, purpose, &host, &values) else {
            let text = "there is nothing to run for this step".to_owned();
            return self.finish_failed(&step, &host, FailedBecause::Evaluation, text, None);
        };
        let attempt = (self.fresh_id)();
        let timeout_ms = match (&step.action, purpose) {
            (PlannedAction::Until { limit_ms, .. }, Purpose::Main) => (*limit_ms).min(step.surroundings.timeout_ms),
            _ => step.surroundings.timeout_ms,
        };
        self.emit(Event::AttemptPlanned(AttemptPlan {
            attempt,
            step: step.id.clone(),
            runs_on: step.delegate_to.clone().unwrap_or_else(|| host.clone()),
            host,
            purpose,
            number,
            script_digest: Digest::of(script.text.as_bytes()),
            values,
            timeout_ms,
        }));
        self.effects.push(Effect::Start { attempt });
    }

    /// Whether some host of the step ended in a way that nobody can tell.
    pub(super) fn has_unknown(&self, index: usize) -> bool {
        self.state.steps[index]
            .cells
            .iter()
            .any(|cell| matches!(cell.state, crate::run::state::CellState::Finished(StepResult::Unknown(_))))
    }
}
