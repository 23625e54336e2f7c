//! The last gate before a step changes anything: windows, and the approval that is used up by passing.
//!
//! What the gate compares was read by the engine a moment before ([`Look`]); without a fresh look it asks for one and
//! stays shut. So nothing that changes between a person's word and its use goes unnoticed.

use std::time::Duration;

use super::Draft;
use crate::id::HostName;
use crate::run::action::Effect;
use crate::run::approval::{self, Approval, ClosedWindow, Found, LOOK_AGE_MAX_MS, Look, Standing};
use crate::run::asking;
use crate::run::event::{Event, PauseReason};
use crate::run::plan::{PlannedApproval, PlannedStep, PlannedUndo, PlannedWindow};
use crate::run::state::Cell;
use crate::run::wave::{self, CurrentWave};
use crate::runbook::model;

/// How often a closed window is looked at again: somebody may lift a freeze early.
pub const HELD_LOOK_EVERY: Duration = Duration::from_secs(30);

/// Guards that held longer ago than this are asked again: the step may have waited for its windows or for others.
pub const GUARD_AGE_MAX_MS: i64 = 5 * 60 * 1000;

impl Draft<'_> {
    /// Keeps a look for this decision, if it can still speak for the world as the run needs it.
    pub(super) fn take_look(&mut self, look: &Look) {
        let of_current = self.state.worked().is_some_and(|index| self.state.plan.steps[index].id == look.step);
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
        let bare = |cell: &Cell| !cell.approved && asking::needs_word(cell);
        if !wave.cells.iter().any(|position| bare(&cells[*position]))
            || wave::holds_back(&self.state, index)
            || !wave::is_previewed(&step, cells, wave)
            || !may_ask(approval::of_step(&self.state, index))
        {
            return;
        }
        self.request_word(index, &step, &rule);
    }

    /// Asks others for their word on everything of the step that would begin by it.
    pub(super) fn request_word(&mut self, index: usize, step: &PlannedStep, rule: &PlannedApproval) {
        let hosts = asking::hosts(&self.state, index, rule);
        let Some(found) = self.found(step) else { return };
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
            Some(_) if cell.approved || self.polls_on(cell) => true,
            Some(rule) => {
                approval::granted(&self.state, index, rule).is_some_and(|granted| granted.hosts.contains(&cell.host))
            }
        }
    }

    /// True if the cell may begin now, or be taken back. An approval that lets it is used up with that.
    pub(super) fn passes_gate(&mut self, index: usize, host: &HostName) -> bool {
        let step = self.step(index);
        let Some(cell) = self.state.cell(&step.id, host).cloned() else { return false };
        let heeds_windows = self.heeds_windows(index, &step);
        if self.polls_on(&cell) || (step.approval.is_none() && !heeds_windows) {
            return true;
        }
        if !self.has_word(index, &cell) {
            return false;
        }
        let Some(found) = self.found(&step) else { return false };
        let closed = self.not_overridden(index, &found.closed);
        if heeds_windows && !closed.is_empty() {
            self.wait_for_windows(&step, &closed);
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

    /// Whether the cell only looks once more for what it waits for. (Taking that back is another thing.)
    fn polls_on(&self, cell: &Cell) -> bool {
        cell.let_poll && self.state.undo.is_none()
    }

    /// What changes a host heeds windows, forwards and back; a window that a person goes on against forbids nothing.
    fn heeds_windows(&self, index: usize, step: &PlannedStep) -> bool {
        let changes = match &self.state.undo {
            Some(_) => matches!(step.undo, Some(PlannedUndo::Run(_))),
            None => step.effect() != model::Effect::Check,
        };
        let heeded = |window: &PlannedWindow| !window.overridden && !self.is_overridden(index, &window.name);
        changes && self.state.plan.windows.iter().any(heeded)
    }

    fn not_overridden(&self, index: usize, closed: &[ClosedWindow]) -> Vec<ClosedWindow> {
        closed.iter().filter(|window| !self.is_overridden(index, &window.name)).cloned().collect()
    }

    /// An override is for the windows that were closed when it was given, and for as long as they were to be: another
    /// one, or the same one when it comes again, needs a reason of its own.
    fn is_overridden(&self, index: usize, name: &str) -> bool {
        let lasts = |given: &ClosedWindow| given.until_ms.is_none_or(|until_ms| self.now_ms < until_ms);
        self.state.steps[index].windows_overridden.iter().any(|given| given.name == name && lasts(given))
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
        let stands = |approval: &&Approval| matches!(approval.standing, Standing::Asked | Standing::Used);
        let approval = approval::of_step(&self.state, index).filter(stands).cloned();
        let Some(approval) = approval else { return false };
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
        self.drop_lapsed_words(&approval, found);
        let Some(approval) = approval::of_step(&self.state, index).cloned() else { return false };
        if self.state.cell(&step, host).is_some_and(|cell| cell.approved) {
            let enough = approval::counted(&self.state, index, &approval) >= rule.persons_min as usize;
            if !enough {
                let what = vec!["who may still give their word".to_owned()];
                self.emit(Event::ApprovalVoided { step, what });
            }
            return enough;
        }
        if approval::granted(&self.state, index, rule).is_none() {
            return false;
        }
        let now = asking::hosts(&self.state, index, rule);
        let hosts = approval.hosts.into_iter().filter(|host| now.contains(host)).collect();
        self.emit(Event::ApprovalUsed { step, hosts });
        true
    }

    /// Whoever may not give their word at this moment has not given it: an account that was disabled since, or a right
    /// that was taken. It stays in the record, and the run waits for somebody else's if it is needed.
    fn drop_lapsed_words(&mut self, approval: &Approval, found: &Found) {
        for vote in approval.votes.iter().filter(|vote| vote.lapsed.is_none()) {
            let why = match found.voters.get(vote.by.person()) {
                Some(Ok(())) => continue,
                Some(Err(why)) => why.clone(),
                None => "nobody could say whether they still may".to_owned(),
            };
            self.emit(Event::ApprovalLapsed { step: approval.step.clone(), by: vote.by.clone(), why });
        }
    }

    /// A request that is about something else than what would run is over at once: nobody should go on agreeing to it.
    pub(super) fn void_what_is_other(&mut self) {
        let Some(index) = self.state.worked() else { return };
        let Some(rule) = self.state.plan.steps[index].approval.clone() else { return };
        let what = approval::of_step(&self.state, index)
            .map(|approval| asking::changes(&self.state, index, &rule, approval))
            .unwrap_or_default();
        if !what.is_empty() {
            let step = self.state.plan.steps[index].id.clone();
            self.emit(Event::ApprovalVoided { step, what });
        }
    }

    /// The secret values that the approved command would get may be other ones when they are given again.
    pub(super) fn void_for_lost_secrets(&mut self) {
        let open = self.state.worked().and_then(|index| approval::of_step(&self.state, index));
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

/// A used one is followed by a new request where more must begin; one that ended otherwise waits for the driver.
pub(super) fn may_ask(last: Option<&Approval>) -> bool {
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
