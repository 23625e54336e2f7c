//! When time alone changes something: the moments at which a run wants to be looked at again.

use crate::run::approval::Standing as Word;
use crate::run::plan::PlannedStep;
use crate::run::state::{AttemptPhase, AttemptState, CellState, HostState, Standing, State};

/// How long a host may stay out of reach beyond an attempt's own time before its outcome is unknown.
pub const UNREACHABLE_GRACE_MS: i64 = 120_000;

/// How often a host that does not answer is asked before the run pauses: about half a minute in all.
pub const PROVE_TRIES_MAX: u32 = 5;

/// The wait before the next look at something that could not be reached: 1, 2, 4 … 15 seconds.
pub fn backoff_ms(tries: u32) -> i64 {
    (1000_i64 << tries.saturating_sub(1).min(4)).min(15_000)
}

/// The next moment at which a `Tick` has something to do; none if only a person or a host can go on.
pub fn wake_at(state: &State) -> Option<i64> {
    if state.ended.is_some() {
        return None;
    }
    let attempts = state.live_attempts().filter_map(|(_, attempt)| match attempt.phase {
        AttemptPhase::Running { .. } if !attempt.overdue => deadline(attempt),
        AttemptPhase::Unreachable { .. } => unreachable_deadline(state, attempt),
        AttemptPhase::Running { .. } | AttemptPhase::Starting | AttemptPhase::Over { .. } => None,
    });
    let asked = state.approval.as_ref().filter(|approval| approval.standing == Word::Asked);
    let attempts = attempts.chain(asked.map(|approval| approval.expires_at_ms));
    if state.pause.is_some() {
        return attempts.min();
    }
    attempts.chain(state.hosts.iter().filter_map(prove_again_at)).chain(step_moments(state)).min()
}

fn step_moments(state: &State) -> Vec<i64> {
    let Some(step) = state.current.and_then(|index| state.steps.get(index)) else {
        return Vec::new();
    };
    let cells = step.cells.iter().filter_map(|cell| match cell.state {
        CellState::RetryAt { at_ms, .. } | CellState::VerifyDue { at_ms, .. } => Some(at_ms),
        CellState::Pending
        | CellState::Previewing(_)
        | CellState::Previewed { .. }
        | CellState::Guarding { .. }
        | CellState::Guarded(_)
        | CellState::Working(_)
        | CellState::Worked { .. }
        | CellState::Verifying { .. }
        | CellState::Skipped(_)
        | CellState::Finished(_)
        | CellState::Resolved { .. } => None,
    });
    let waiting = step.cells.iter().any(|cell| !cell.is_settled());
    cells.chain(step.wait_until_ms.filter(|_| waiting)).collect()
}

/// When a host that did not answer is asked again.
pub fn prove_again_at(host: &HostState) -> Option<i64> {
    match host.standing {
        Standing::Unreachable { since_ms, tries, .. } if tries < PROVE_TRIES_MAX => Some(since_ms + backoff_ms(tries)),
        Standing::Unreachable { .. }
        | Standing::Unproven
        | Standing::Proven(_)
        | Standing::Refused { .. }
        | Standing::Dropped(_) => None,
    }
}

/// When a running attempt's time is over.
pub fn deadline(attempt: &AttemptState) -> Option<i64> {
    let timeout_ms = i64::try_from(attempt.plan.timeout_ms).unwrap_or(i64::MAX);
    match attempt.phase {
        AttemptPhase::Running { since_ms } => Some(since_ms.saturating_add(timeout_ms)),
        AttemptPhase::Unreachable { seen_running: Some(since_ms), .. } => Some(since_ms.saturating_add(timeout_ms)),
        AttemptPhase::Unreachable { .. } => Some(attempt.planned_at_ms.saturating_add(timeout_ms)),
        AttemptPhase::Starting | AttemptPhase::Over { .. } => None,
    }
}

/// When an attempt on a host that stays away turns unknown.
pub fn unreachable_deadline(state: &State, attempt: &AttemptState) -> Option<i64> {
    let AttemptPhase::Unreachable { since_ms, .. } = attempt.phase else {
        return None;
    };
    let step: Option<&PlannedStep> =
        state.plan.step_index(&attempt.plan.step).and_then(|index| state.plan.steps.get(index));
    let grace_ms = step
        .filter(|step| step.expect_disconnect)
        .and_then(|step| step.wait_for_ssh_ms)
        .map_or(UNREACHABLE_GRACE_MS, |ms| i64::try_from(ms).unwrap_or(i64::MAX));
    let own = deadline(attempt).unwrap_or(since_ms);
    Some(own.max(since_ms).saturating_add(grace_ms))
}
