//! Carries a run on as far as it goes without a person, a host or the clock.

use super::Draft;
use crate::id::HostName;
use crate::run::action::Effect;
use crate::run::evaluate;
use crate::run::event::{AfterStop, Event, FailedBecause, PauseReason, Purpose, RunEnd, SkipReason};
use crate::run::plan::PlannedAction;
use crate::run::state::{Cell, CellState, Standing};
use crate::run::wake::PROVE_TRIES_MAX;
use crate::run::wave::{self, CurrentWave};

/// Turns on one input: a fuse. A turn enters, leaves or settles a step, so a plan of hundreds of steps stays far below.
const TURNS_MAX: usize = 10_000;

/// What a cell could do next.
enum Move {
    Plan(Purpose),
    Rest,
}

impl Draft<'_> {
    pub(super) fn advance(&mut self) {
        // Each turn either emits an event that brings the run closer to its end or is the last.
        for _ in 0..TURNS_MAX {
            if self.state.ended.is_some() || !self.take_a_turn() {
                return;
            }
        }
        debug_assert!(false, "a run advanced {TURNS_MAX} times on one input without coming to rest");
    }

    /// True if something happened and there may be more to do.
    fn take_a_turn(&mut self) -> bool {
        let before = self.events.len();
        self.void_what_is_other();
        if self.state.stop.is_some() {
            self.finish_stop();
        } else if self.state.pause.is_none() && !self.state.secrets_missing && self.state.lock_away.is_none() {
            if self.state.undo.is_some() {
                self.take_back();
            } else if let Some(index) = self.state.current {
                self.work_on(index);
            } else {
                self.begin_when_proven();
            }
        }
        self.events.len() > before
    }

    fn finish_stop(&mut self) {
        let Some(stop) = self.state.stop.clone().filter(|stop| stop.attempts.is_empty()) else {
            return;
        };
        match stop.then {
            AfterStop::End => self.end(RunEnd::Aborted, format!("stopped by {}: {}", stop.by, stop.why)),
            AfterStop::Pause => {
                let why = match self.state.current {
                    Some(index) => PauseReason::Stopped(self.state.plan.steps[index].id.clone()),
                    None => PauseReason::Person,
                };
                self.emit(Event::RunPaused { why, by: Some(stop.by) });
            }
        }
    }

    pub(super) fn end(&mut self, end: RunEnd, why: String) {
        self.emit(Event::RunEnded { end, why });
        self.effects.push(Effect::Close);
    }

    fn begin_when_proven(&mut self) {
        let refused = self.state.hosts.iter().find_map(|host| match &host.standing {
            Standing::Refused { reason, next_step } => Some(format!("{}: {reason}. {next_step}", host.name)),
            _ => None,
        });
        if let Some(why) = refused {
            return self.end(RunEnd::Refused, why);
        }
        let tired = |tries: u32| tries >= PROVE_TRIES_MAX;
        let away: Vec<HostName> = self
            .state
            .hosts
            .iter()
            .filter(|host| matches!(host.standing, Standing::Unreachable { tries, .. } if tired(tries)))
            .map(|host| host.name.clone())
            .collect();
        let proven = |standing: &Standing| matches!(standing, Standing::Proven(_) | Standing::Dropped(_));
        if self.state.standing_hosts().next().is_none() {
            self.end(RunEnd::Failed, "no host is left".to_owned());
        } else if self.state.hosts.iter().all(|host| proven(&host.standing)) {
            self.enter_first();
        } else if !away.is_empty() {
            let undecided = |standing: &Standing| match standing {
                Standing::Unproven => true,
                Standing::Unreachable { tries, .. } => !tired(*tries),
                Standing::Proven(_) | Standing::Refused { .. } | Standing::Dropped(_) => false,
            };
            if !self.state.hosts.iter().any(|host| undecided(&host.standing)) {
                self.emit(Event::RunPaused { why: PauseReason::HostsUnreachable(away), by: None });
            }
        }
    }

    fn enter_first(&mut self) {
        let plan = self.state.plan.clone();
        if let Some(earlier) = &plan.continues {
            let from = plan.step_index(&earlier.from).unwrap_or(0);
            for (index, step) in plan.steps.iter().enumerate().take(from) {
                let done = step.part == crate::run::plan::Part::Step;
                if done {
                    let hosts = self.state.steps[index].cells.iter().map(|cell| cell.host.clone()).collect();
                    self.emit(Event::StepSkipped {
                        step: step.id.clone(),
                        hosts,
                        why: SkipReason::DoneIn(earlier.run),
                    });
                }
            }
        }
        self.enter(0);
    }

    /// Makes a step the current one and settles which hosts it is for.
    pub(super) fn enter(&mut self, index: usize) {
        let Some(step) = self.state.plan.steps.get(index).cloned() else {
            return self.end_well();
        };
        self.emit(Event::StepEntered { step: step.id.clone() });
        // It was about the step before.
        self.look = None;
        let Some(condition) = &step.only_if else {
            return;
        };
        let mut cells: Vec<Cell> = self.state.steps[index].cells.clone();
        cells.retain(|cell| !cell.is_settled() && !self.state.is_dropped(&cell.host));
        for cell in &cells {
            match evaluate::condition_holds(&self.state, &cell.host, condition) {
                Ok(true) => {}
                Ok(false) => self.emit(Event::StepSkipped {
                    step: step.id.clone(),
                    hosts: vec![cell.host.clone()],
                    why: SkipReason::Condition(condition.clone()),
                }),
                Err(text) => self.finish_failed(&step, &cell.host, FailedBecause::Evaluation, text, None),
            }
        }
    }

    fn work_on(&mut self, index: usize) {
        let step = self.step(index);
        match &step.action {
            PlannedAction::Manual { .. } => {
                self.once_is_let(index);
            }
            PlannedAction::Pause { for_ms } => {
                if self.once_is_let(index) {
                    self.wait_for(index, *for_ms);
                }
            }
            PlannedAction::Command { .. } | PlannedAction::Script { .. } | PlannedAction::Until { .. } => {
                self.start_what_may(index);
            }
        }
        if self.state.live_attempts().next().is_none() {
            self.settle(index);
        }
    }

    /// Whether a step without a command may begin. What lets it is used up at the first look.
    fn once_is_let(&mut self, index: usize) -> bool {
        let Some(wave) = wave::current_wave(&self.state, index) else { return true };
        if self.state.plan.steps[index].approval.is_none() {
            return true;
        }
        let waiting = self.state.steps[index].cells.iter().find(|cell| !cell.is_settled() && !cell.approved).cloned();
        let Some(cell) = waiting else { return true };
        self.ask_for_approval(index, &wave);
        self.passes_gate(index, &cell.host)
    }

    fn wait_for(&mut self, index: usize, for_ms: u64) {
        let step = self.step(index);
        let waiting: Vec<HostName> = self.state.steps[index]
            .cells
            .iter()
            .filter(|cell| !cell.is_settled())
            .map(|cell| cell.host.clone())
            .collect();
        match self.state.steps[index].wait_until_ms {
            _ if waiting.is_empty() => {}
            None => {
                let until_ms = self.now_ms.saturating_add_unsigned(for_ms);
                self.emit(Event::WaitStarted { step: step.id.clone(), until_ms });
            }
            Some(until_ms) if until_ms <= self.now_ms => waiting.iter().for_each(|host| self.succeed(&step, host)),
            Some(_) => {}
        }
    }

    fn start_what_may(&mut self, index: usize) {
        while let Some(wave) = wave::current_wave(&self.state, index) {
            self.ask_for_approval(index, &wave);
            let mut started = false;
            for position in wave.cells.clone() {
                let free = (self.state.plan.parallel_max as usize).saturating_sub(self.state.live_attempts().count());
                if free == 0 {
                    return;
                }
                if let Move::Plan(purpose) = self.next_move(index, position, &wave) {
                    let host = self.state.steps[index].cells[position].host.clone();
                    if purpose == Purpose::Main && !self.passes_gate(index, &host) {
                        if self.state.pause.is_some() {
                            return;
                        }
                        continue;
                    }
                    self.plan_attempt(index, position, purpose);
                    // A script that cannot be composed settles its cell at once; the wave may be another now.
                    started |= self.state.steps[index].cells[position].is_settled();
                }
            }
            if !started {
                return;
            }
        }
    }

    fn next_move(&self, index: usize, position: usize, wave: &CurrentWave) -> Move {
        let step = &self.state.plan.steps[index];
        let cell = &self.state.steps[index].cells[position];
        if !wave::has_begun(cell) && wave::holds_back(&self.state, index) {
            return Move::Rest;
        }
        let may_go_on = (wave.gesture.is_none() || cell.released) && self.has_word(index, cell);
        let first_guard = if step.guards.is_empty() { Purpose::Main } else { Purpose::Guard(0) };
        match &cell.state {
            CellState::Pending if step.preview.is_some() && !cell.released => Move::Plan(Purpose::Preview),
            CellState::Pending | CellState::Previewed { .. } if may_go_on => Move::Plan(first_guard),
            CellState::Pending | CellState::Previewed { .. } => Move::Rest,
            CellState::Guarded(held) if *held < step.guards.len() => Move::Plan(Purpose::Guard(*held)),
            // Taken back or void while it was guarded: it waits for the word of others like one that has not begun.
            CellState::Guarded(_) if !self.has_word(index, cell) => Move::Rest,
            CellState::Guarded(_) if self.guards_are_old(cell) => Move::Plan(Purpose::Guard(0)),
            CellState::Guarded(_) => Move::Plan(Purpose::Main),
            CellState::RetryAt { at_ms, .. } if *at_ms > self.now_ms => Move::Rest,
            CellState::RetryAt { .. } if step.preview.is_some() && !cell.released => Move::Plan(Purpose::Preview),
            CellState::RetryAt { .. } if may_go_on => Move::Plan(first_guard),
            CellState::Worked { .. } => Move::Plan(Purpose::Verify),
            CellState::VerifyDue { at_ms, .. } if *at_ms <= self.now_ms => Move::Plan(Purpose::Verify),
            CellState::RetryAt { .. }
            | CellState::VerifyDue { .. }
            | CellState::Previewing(_)
            | CellState::Guarding { .. }
            | CellState::Working(_)
            | CellState::Verifying { .. }
            | CellState::Skipped(_)
            | CellState::Finished(_)
            | CellState::Resolved { .. } => Move::Rest,
        }
    }
}
