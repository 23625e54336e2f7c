//! The last gate before a step changes anything: windows, and the approval that is used up by passing.
//!
//! What the gate compares was read by the engine a moment before ([`Look`]); without a fresh look it asks for one and
//! stays shut. So nothing that changes between a person's word and its use goes unnoticed.

use std::time::Duration;

use super::Draft;
use crate::id::HostName;
use crate::run::action::Effect;
use crate::run::approval::{self, Approval, ClosedWindow, Found, LOOK_AGE_MAX_MS, Look, Standing};
use crate::run::event::{Event, PauseReason};
use crate::run::plan::{PlannedApproval, PlannedStep};
use crate::run::state::{Cell, CellState};
use crate::run::wave::{self, CurrentWave};
use crate::runbook::model;

/// How often a closed window is looked at again: somebody may lift a freeze early.
pub const HELD_LOOK_EVERY: Duration = Duration::from_secs(30);

/// Guards that held longer ago than this are asked again: the step may have waited for its windows or for others.
pub const GUARD_AGE_MAX_MS: i64 = 5 * 60 * 1000;

impl Draft<'_> {
    /// Keeps a look for this decision, if it can still speak for the world as the run needs it.
    pub(super) fn take_look(&mut self, look: &Look) {
        let of_current = self.state.current.is_some_and(|index| self.state.plan.steps[index].id == look.step);
        let age_ms = self.now_ms.saturating_sub(look.at_ms);
        if of_current && age_ms <= LOOK_AGE_MAX_MS && look.asked_seq >= self.state.approval_seq {
            self.look = Some(look.clone());
        }
    }

    /// Asks for approval of what the wave needs one for, once people can see what they approve.
    pub(super) fn ask_for_approval(&mut self, index: usize, wave: &CurrentWave) {
        let step = self.step(index);
        let Some(rule) = step.approval.clone() else { return };
        let cells = &self.state.steps[index].cells;
        let bare = |cell: &Cell| !cell.approved && needs_word(cell);
        if !wave.cells.iter().any(|position| bare(&cells[*position]))
            || wave::holds_back(&self.state, index)
            || !wave::is_previewed(&step, cells, wave)
            || !may_ask(approval::of_step(&self.state, index))
        {
            return;
        }
        let scope: Vec<usize> = if rule.every_wave { wave.cells.clone() } else { (0..cells.len()).collect() };
        let covered = scope.into_iter().map(|position| &cells[position]);
        let covered = covered.filter(|cell| needs_word(cell) && !self.state.is_dropped(&cell.host));
        let hosts: Vec<HostName> = covered.map(|cell| cell.host.clone()).collect();
        let Some(found) = self.found(&step) else { return };
        let by = self.state.approval.as_ref().map_or_else(|| self.asker(), |approval| approval.asked_by.clone());
        self.emit(Event::ApprovalRequested {
            step: step.id.clone(),
            hosts,
            by,
            binding: Box::new(found.binding),
            expires_at_ms: self.now_ms.saturating_add_unsigned(rule.within_ms),
        });
        // What was found before people were asked is not what is compared when they have answered.
        self.look = None;
    }

    /// The run asks by itself when it comes to the step, and then it is its driver who asks.
    fn asker(&self) -> crate::run::event::Actor {
        self.state.driver.clone()
    }

    /// Whether the word of others lets this cell go on towards its command.
    pub(super) fn has_word(&self, index: usize, cell: &Cell) -> bool {
        match &self.state.plan.steps[index].approval {
            None => true,
            Some(_) if cell.approved => true,
            Some(rule) => {
                approval::granted(&self.state, index, rule).is_some_and(|granted| granted.hosts.contains(&cell.host))
            }
        }
    }

    /// True if the cell may begin now. An approval that lets it is used up with that.
    pub(super) fn passes_gate(&mut self, index: usize, host: &HostName) -> bool {
        let step = self.step(index);
        let heeds_windows = self.heeds_windows(index, &step);
        if step.approval.is_none() && !heeds_windows {
            return true;
        }
        let cell = self.state.cell(&step.id, host).cloned();
        if !cell.is_some_and(|cell| self.has_word(index, &cell)) {
            return false;
        }
        let Some(found) = self.found(&step) else { return false };
        if heeds_windows && !found.closed.is_empty() {
            self.wait_for_windows(&step, &found.closed);
            return false;
        }
        if self.state.held.is_some() {
            self.emit(Event::StepFreed { step: step.id.clone() });
        }
        match step.approval {
            Some(rule) => self.use_word(index, host, &rule, &found),
            None => true,
        }
    }

    fn heeds_windows(&self, index: usize, step: &PlannedStep) -> bool {
        step.effect() != model::Effect::Check
            && self.state.plan.windows.iter().any(|window| !window.overridden)
            && !self.state.steps[index].windows_overridden
    }

    /// What the look of this decision found; asks for one if there is none.
    fn found(&mut self, step: &PlannedStep) -> Option<Found> {
        match self.look.as_ref().map(|look| look.found.clone()) {
            Some(Ok(found)) => return Some(found),
            Some(Err(reason)) => {
                self.look = None;
                self.emit(Event::RunPaused { why: PauseReason::CannotLook(reason), by: None });
            }
            None => self.look_around(step, Duration::ZERO),
        }
        None
    }

    fn look_around(&mut self, step: &PlannedStep, after: Duration) {
        if !self.effects.iter().any(|effect| matches!(effect, Effect::LookAround { .. })) {
            self.effects.push(Effect::LookAround { step: step.id.clone(), seq: self.state.seq, after });
        }
    }

    fn wait_for_windows(&mut self, step: &PlannedStep, closed: &[ClosedWindow]) {
        if self.state.held.as_deref() != Some(closed) {
            self.emit(Event::StepHeld { step: step.id.clone(), windows: closed.to_vec() });
        }
        self.look_around(step, HELD_LOOK_EVERY);
    }

    fn use_word(&mut self, index: usize, host: &HostName, rule: &PlannedApproval, found: &Found) -> bool {
        let Some(approval) = approval::of_step(&self.state, index).cloned() else { return false };
        let step = approval.step.clone();
        if approval.expires_at_ms <= self.now_ms {
            self.emit(Event::ApprovalExpired { step });
            return false;
        }
        let what = approval.binding.changes(&found.binding);
        if !what.is_empty() {
            self.emit(Event::ApprovalVoided { step, what });
            return false;
        }
        if self.state.cell(&step, host).is_some_and(|cell| cell.approved) {
            return true;
        }
        if approval::granted(&self.state, index, rule).is_none() {
            return false;
        }
        let standing = approval.hosts.into_iter().filter(|host| !self.state.is_dropped(host));
        let hosts = standing.filter(|host| self.state.cell(&step, host).is_some_and(needs_word)).collect();
        self.emit(Event::ApprovalUsed { step, hosts });
        true
    }

    /// The secret values that the approved command would get may be other ones when they are given again.
    pub(super) fn void_for_lost_secrets(&mut self) {
        let open = self.state.current.and_then(|index| approval::of_step(&self.state, index));
        let open = open.filter(|approval| matches!(approval.standing, Standing::Asked | Standing::Used));
        if let Some(step) = open.map(|approval| approval.step.clone()) {
            self.emit(Event::ApprovalVoided { step, what: vec!["the secrets, which a restart lost".to_owned()] });
        }
    }

    pub(super) fn expire_approval(&mut self) {
        let asked = self.state.approval.as_ref().filter(|approval| approval.standing == Standing::Asked);
        if let Some(approval) = asked.filter(|approval| approval.expires_at_ms <= self.now_ms) {
            self.emit(Event::ApprovalExpired { step: approval.step.clone() });
        }
    }

    /// Whether the guards of a cell held too long ago.
    pub(super) fn guards_are_old(&self, cell: &Cell) -> bool {
        cell.guards_held_at_ms.is_some_and(|at_ms| self.now_ms.saturating_sub(at_ms) > GUARD_AGE_MAX_MS)
    }
}

/// The cell has not begun its command and will.
fn needs_word(cell: &Cell) -> bool {
    matches!(cell.state, CellState::RetryAt { .. }) || !wave::has_begun(cell)
}

/// A used one is followed by a new request where more must begin; one that ended otherwise waits for the driver.
fn may_ask(last: Option<&Approval>) -> bool {
    match last.map(|approval| &approval.standing) {
        None | Some(Standing::Used) => true,
        Some(
            Standing::Asked
            | Standing::Rejected { .. }
            | Standing::Withdrawn { .. }
            | Standing::Expired
            | Standing::Voided(_),
        ) => false,
    }
}
