//! What a run waits for a person to do: at most one thing, so that a page can make it the biggest.

use crate::id::HostName;
use crate::run::approval::{self, Standing};
use crate::run::approval_view::request_view;
use crate::run::asking;
use crate::run::evaluate;
use crate::run::event::PauseReason;
use crate::run::plan::{Gesture, PlannedAction, PlannedApproval, PlannedStep, PlannedUndo};
use crate::run::state::{CellState, LockAway, State};
use crate::run::view::Need;
use crate::run::wave::{self, CurrentWave};
use crate::runbook::model::Effect;

/// What the run waits for; none if it goes on by itself or has ended.
pub fn need(state: &State) -> Option<Need> {
    if state.ended.is_some() || state.stop.is_some() {
        return None;
    }
    if state.secrets_missing {
        return Some(Need::Secrets { names: state.plan.secrets.iter().map(ToString::to_string).collect() });
    }
    if let Some(pause) = &state.pause {
        return Some(paused(state, &pause.why));
    }
    if let Some(away) = &state.lock_away {
        let LockAway { lock, host, holder, since_ms } = away.clone();
        return Some(Need::Lock { lock, host, holder: Some(holder), since_ms });
    }
    if let Some(undo) = &state.undo {
        return undo.remaining.first().and_then(|(index, host)| taking_back(state, *index, host));
    }
    let index = state.current?;
    let step = state.plan.steps.get(index)?;
    if let Some(unknown) = unknown_cell(state, index) {
        return Some(unknown);
    }
    if let Some(word) = word_of_others(state, index) {
        return word;
    }
    // A wave that nobody has let go on is asked about first: only then does its window matter.
    if let Some(windows) = state.held.as_ref().filter(|_| confirmation(state, index).is_none()) {
        return Some(Need::Window { step: step.id.clone(), windows: windows.clone() });
    }
    match &step.action {
        PlannedAction::Manual { instruction, ask } => {
            let cell = state.steps[index].cells.first().filter(|cell| !cell.is_settled())?;
            Some(Need::Answer {
                step: step.id.clone(),
                instruction: evaluate::rendered(state, &cell.host, instruction),
                ask: ask.clone(),
            })
        }
        PlannedAction::Pause { .. } => None,
        PlannedAction::Command { .. } | PlannedAction::Script { .. } | PlannedAction::Until { .. } => {
            confirmation(state, index)
        }
    }
}

fn paused(state: &State, why: &PauseReason) -> Need {
    match why {
        PauseReason::StepFailed(step) | PauseReason::Stopped(step) => {
            let failed: Vec<HostName> = failed_hosts(state, step);
            if failed.is_empty() {
                Need::Resume { why: why.clone() }
            } else {
                Need::Decide { step: step.clone(), failed }
            }
        }
        PauseReason::HostsUnreachable(hosts) => Need::ReachHosts { hosts: hosts.clone() },
        PauseReason::ApprovalRejected(step) => {
            let last = state.approval.as_ref().filter(|approval| approval.step == *step);
            let why = last.and_then(|approval| came_to_nothing(&approval.standing));
            Need::AskAgain { step: step.clone(), why: why.unwrap_or_else(|| "it was rejected".to_owned()) }
        }
        PauseReason::Person | PauseReason::SecretsLost | PauseReason::UndoFailed(_) | PauseReason::CannotLook(_) => {
            Need::Resume { why: why.clone() }
        }
    }
}

/// What the step needs of others before it goes on: the outer none if nothing, the inner if they are about to be asked.
fn word_of_others(state: &State, index: usize) -> Option<Option<Need>> {
    let rule = state.plan.steps[index].approval.as_ref()?;
    let wave = wave::current_wave(state, index)?;
    let cells = &state.steps[index].cells;
    let waiting = |cell: &crate::run::state::Cell| !cell.approved && asking::needs_word(cell);
    if !wave.cells.iter().any(|position| waiting(&cells[*position])) || wave::holds_back(state, index) {
        return None;
    }
    word_of_step(state, index, rule)
}

fn word_of_step(state: &State, index: usize, rule: &PlannedApproval) -> Option<Option<Need>> {
    let step = &state.plan.steps[index];
    let Some(approval) = approval::of_step(state, index) else { return Some(None) };
    match &approval.standing {
        Standing::Asked if approval::granted(state, index, rule).is_some() => None,
        Standing::Asked => Some(Some(Need::Approve(Box::new(request_view(state, index, rule, approval))))),
        Standing::Used => Some(None),
        other => {
            let why = came_to_nothing(other).unwrap_or_default();
            Some(Some(Need::AskAgain { step: step.id.clone(), why }))
        }
    }
}

/// Why an approval that was asked for will not be given.
fn came_to_nothing(standing: &Standing) -> Option<String> {
    match standing {
        Standing::Rejected { by, reason } => Some(format!("{by} rejected it: {reason}")),
        Standing::Withdrawn { by } => Some(format!("{by} withdrew it")),
        Standing::Expired => Some("nobody used it in time".to_owned()),
        Standing::Voided(what) => Some(format!("it is void, because this is not as it was: {}", what.join(", "))),
        Standing::Asked | Standing::Used => None,
    }
}

/// The hosts on which a step failed, timed out or was cancelled.
pub fn failed_hosts(state: &State, step: &crate::id::StepId) -> Vec<HostName> {
    let Some(index) = state.plan.step_index(step) else {
        return Vec::new();
    };
    let cells = state.steps[index].cells.iter();
    cells.filter(|cell| cell.has_failed() && !state.is_dropped(&cell.host)).map(|cell| cell.host.clone()).collect()
}

fn unknown_cell(state: &State, index: usize) -> Option<Need> {
    let cell = state.steps[index].cells.iter().find(|cell| cell.is_unknown())?;
    let CellState::Finished(crate::run::event::StepResult::Unknown(because)) = &cell.state else {
        return None;
    };
    Some(Need::ResolveUnknown {
        step: state.plan.steps[index].id.clone(),
        host: cell.host.clone(),
        because: crate::run::words::unknown(because),
    })
}

/// What stands in the way of taking a step back on a host.
fn taking_back(state: &State, index: usize, host: &HostName) -> Option<Need> {
    let step = &state.plan.steps[index];
    let approved = state.cell(&step.id, host).is_some_and(|cell| cell.approved);
    let begun = state.undo.as_ref().is_some_and(|undo| undo.attempt.is_some());
    if let Some(rule) = step.approval.as_ref().filter(|_| !approved && !begun)
        && let Some(word) = word_of_step(state, index, rule)
    {
        return word;
    }
    match &state.held {
        Some(windows) => Some(Need::Window { step: step.id.clone(), windows: windows.clone() }),
        None => manual_undo(state, index, host).filter(|_| approved || step.approval.is_none()),
    }
}

fn manual_undo(state: &State, index: usize, host: &HostName) -> Option<Need> {
    match &state.plan.steps[index].undo {
        Some(PlannedUndo::Manual(instruction)) => Some(Need::ManualUndo {
            step: state.plan.steps[index].id.clone(),
            instruction: evaluate::rendered(state, host, instruction),
        }),
        Some(PlannedUndo::Run(_) | PlannedUndo::None) | None => None,
    }
}

fn confirmation(state: &State, index: usize) -> Option<Need> {
    let step = &state.plan.steps[index];
    let cells = &state.steps[index].cells;
    let wave = wave::current_wave(state, index)?;
    let gesture = wave.gesture.clone()?;
    let waiting: Vec<HostName> = unreleased(state, index, &wave);
    if waiting.is_empty() || wave::holds_back(state, index) || !wave::is_previewed(step, cells, &wave) {
        return None;
    }
    let previews = wave.cells.iter().filter_map(|position| match &cells[*position].state {
        CellState::Previewed { attempt, .. } => Some(*attempt),
        _ => None,
    });
    Some(Need::Confirm {
        step: step.id.clone(),
        expected: expected_text(&gesture, &waiting),
        sentence: sentence(state, step, &waiting),
        previews: previews.collect(),
        preview_stale_at_ms: wave::preview_stale_at(cells, &wave),
        hosts: waiting,
        gesture,
    })
}

/// The hosts of the wave that nobody has let go on.
pub fn unreleased(state: &State, index: usize, wave: &CurrentWave) -> Vec<HostName> {
    let cells = &state.steps[index].cells;
    let waiting = wave.cells.iter().map(|position| &cells[*position]).filter(|cell| {
        !cell.released
            && matches!(cell.state, CellState::Pending | CellState::Previewed { .. } | CellState::RetryAt { .. })
    });
    waiting.map(|cell| cell.host.clone()).collect()
}

/// What must be typed exactly.
pub fn expected_text(gesture: &Gesture, hosts: &[HostName]) -> Option<String> {
    match gesture {
        Gesture::Press => None,
        Gesture::Count => Some(hosts.len().to_string()),
        // Several hosts under one gesture are named by their number.
        Gesture::Host if hosts.len() == 1 => hosts.first().map(ToString::to_string),
        Gesture::Host => Some(hosts.len().to_string()),
        Gesture::Phrase(words) => Some(words.clone()),
    }
}

fn sentence(state: &State, step: &PlannedStep, hosts: &[HostName]) -> String {
    let name = hosts.first().map_or_else(|| step.name.clone(), |host| evaluate::rendered(state, host, &step.name));
    let verb = match step.effect() {
        Effect::Check => "reads",
        Effect::Change => "changes",
        Effect::Destructive => "destroys data on",
    };
    match hosts {
        [host] => format!("{name}: {verb} {host}"),
        _ => format!("{name}: {verb} {} hosts ({})", hosts.len(), crate::run::words::names(hosts)),
    }
}
