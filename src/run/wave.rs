//! Which hosts of a step are next, and what stands in their way.

use crate::inventory::target::Target;
use crate::run::friction;
use crate::run::plan::{Gesture, PlannedAction, PlannedStep};
use crate::run::state::{Cell, CellState, State};
use crate::runbook::model::{Effect, OnFailure};

/// A preview that is older than this no longer stands for what will happen.
pub const PREVIEW_AGE_MAX_MS: i64 = 5 * 60 * 1000;

/// The wave that is worked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentWave {
    /// Positions of its cells in the step.
    pub cells: Vec<usize>,
    pub gesture: Option<Gesture>,
}

/// The first wave that is not over; none when the step is.
pub fn current_wave(state: &State, step_index: usize) -> Option<CurrentWave> {
    let step = &state.plan.steps[step_index];
    let cells = &state.steps[step_index].cells;
    let candidates: Vec<usize> = (0..cells.len())
        .filter(|position| !state.is_dropped(&cells[*position].host))
        .filter(|position| !matches!(cells[*position].state, CellState::Skipped(_)))
        .collect();
    let targets: Vec<&Target> =
        candidates.iter().filter_map(|position| state.plan.target(&cells[*position].host)).collect();
    friction::waves(&state.plan, step, &targets).into_iter().find_map(|wave| {
        let wave_cells: Vec<usize> = candidates[wave.range].to_vec();
        let over = wave_cells.iter().all(|position| is_over(step, &cells[*position]));
        (!over).then_some(CurrentWave { cells: wave_cells, gesture: wave.gesture })
    })
}

/// Whether the step goes on past this cell.
pub fn is_over(step: &PlannedStep, cell: &Cell) -> bool {
    cell.is_fine() || (cell.has_failed() && failure_is_passed(step))
}

/// Whether a failed host of this step does not hold up the others.
fn failure_is_passed(step: &PlannedStep) -> bool {
    match step.on_failure {
        OnFailure::Continue | OnFailure::SkipHost => true,
        OnFailure::Pause | OnFailure::Stop | OnFailure::Undo | OnFailure::Escalate => {
            step.part == crate::run::plan::Part::Precondition
        }
    }
}

/// Whether a failed or unknown host keeps others from beginning a step that changes something.
pub fn holds_back(state: &State, step_index: usize) -> bool {
    let step = &state.plan.steps[step_index];
    let cells = state.steps[step_index].cells.iter().filter(|cell| !state.is_dropped(&cell.host));
    step.effect() != Effect::Check
        && cells.into_iter().any(|cell| cell.is_unknown() || (cell.has_failed() && !failure_is_passed(step)))
}

/// Whether a cell has begun its own command, so that only its end is waited for.
pub fn has_begun(cell: &Cell) -> bool {
    match cell.state {
        CellState::Pending
        | CellState::Previewing(_)
        | CellState::Previewed { .. }
        | CellState::Guarding { .. }
        | CellState::Guarded(_) => false,
        CellState::Working(_)
        | CellState::Worked { .. }
        | CellState::Verifying { .. }
        | CellState::VerifyDue { .. }
        | CellState::RetryAt { .. }
        | CellState::Skipped(_)
        | CellState::Finished(_)
        | CellState::Resolved { .. } => true,
    }
}

/// Whether every cell of the wave that needs a preview has one, so that a person can decide.
pub fn is_previewed(step: &PlannedStep, cells: &[Cell], wave: &CurrentWave) -> bool {
    let has_command = !matches!(step.action, PlannedAction::Manual { .. } | PlannedAction::Pause { .. });
    step.preview.is_none()
        || !has_command
        || wave.cells.iter().all(|position| match cells[*position].state {
            CellState::Pending | CellState::Previewing(_) => false,
            // Its preview is made anew before it is tried again.
            CellState::RetryAt { .. } => cells[*position].released,
            _ => true,
        })
}

/// When the oldest preview of the wave becomes too old to confirm on.
pub fn preview_stale_at(cells: &[Cell], wave: &CurrentWave) -> Option<i64> {
    wave.cells
        .iter()
        .filter_map(|position| match cells[*position].state {
            CellState::Previewed { at_ms, .. } if !cells[*position].released => Some(at_ms + PREVIEW_AGE_MAX_MS),
            _ => None,
        })
        .min()
}
