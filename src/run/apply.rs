//! Folds events into a [`State`], live and on replay through the same function. Makes no effects.
//!
//! Every event either gives the next state or is refused as [`CorruptLog`]: the only way to be refused is
//! a log that this program did not write.

mod approvals;
mod cells;
mod events;

use std::sync::Arc;

use crate::id::{AttemptId, HostName, StepId};
use crate::run::approval::Standing as Word;
use crate::run::event::{AttemptPlan, DropReason, Ending, Event, Purpose, StepResult};
use crate::run::state::{
    AttemptPhase, AttemptState, Cell, CellState, HostState, Standing, State, StepState, UndoState,
};

/// The log says something that cannot have happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} of the run cannot follow what is before it: {what}")]
pub struct CorruptLog {
    pub seq: u64,
    pub what: String,
}

impl State {
    /// The state after the first event, which must be `RunStarted`.
    ///
    /// # Errors
    /// Any other event.
    pub fn first(at_ms: i64, event: &Event) -> Result<Self, CorruptLog> {
        let Event::RunStarted { run, plan, digest, by } = event else {
            return Err(CorruptLog { seq: 1, what: "a run's first event is its start".to_owned() });
        };
        let plan = Arc::new((**plan).clone());
        let hosts = plan.hosts.iter().chain(&plan.delegates).map(|target| HostState {
            name: target.name.clone(),
            standing: Standing::Unproven,
            values: plan
                .continues
                .as_ref()
                .and_then(|earlier| earlier.values.get(&target.name))
                .cloned()
                .unwrap_or_default(),
        });
        Ok(Self {
            run: *run,
            digest: *digest,
            seq: 1,
            at_ms,
            started_by: by.clone(),
            started_at_ms: at_ms,
            driver: by.clone(),
            drivers: vec![by.clone()],
            taken: None,
            hosts: hosts.collect(),
            steps: plan
                .steps
                .iter()
                .map(|step| StepState::new(step, plan.hosts.iter().map(|host| &host.name)))
                .collect(),
            current: None,
            attempts: Default::default(),
            pause: None,
            stop: None,
            undo: None,
            secrets_missing: false,
            approval: None,
            approval_seq: 0,
            held: None,
            lock_away: None,
            ended: None,
            plan,
        })
    }

    /// The state that a whole log gives.
    ///
    /// # Errors
    /// An empty log, or one that this program did not write.
    pub fn replay<'a>(events: impl IntoIterator<Item = (i64, &'a Event)>) -> Result<Self, CorruptLog> {
        let mut events = events.into_iter();
        let (at_ms, first) = events.next().ok_or_else(|| CorruptLog { seq: 0, what: "the log is empty".to_owned() })?;
        let mut state = Self::first(at_ms, first)?;
        for (at_ms, event) in events {
            state.apply(at_ms, event)?;
        }
        Ok(state)
    }

    /// Goes on by one event. On an error the state must not be used further.
    ///
    /// # Errors
    /// An event that cannot follow this state.
    pub fn apply(&mut self, at_ms: i64, event: &Event) -> Result<(), CorruptLog> {
        self.seq += 1;
        self.at_ms = at_ms;
        if self.ended.is_some() {
            return Err(self.corrupt("the run has ended"));
        }
        match event {
            Event::RunStarted { .. } => Err(self.corrupt("a run starts once")),
            Event::HostProven { host, facts } => self.set_standing(host, Standing::Proven(facts.clone())),
            Event::HostRefused { host, reason, next_step } => self.refuse_host(host, reason, next_step),
            Event::HostUnreachable { host, reason } => self.count_unreachable(host, reason),
            Event::HostDropped { host, why } => self.drop_host(host, why),
            Event::StepEntered { step } => self.enter(step),
            Event::StepSkipped { step, hosts, why } => self.skip(step, hosts, why),
            Event::StepConfirmed { step, hosts, by, .. } => self.confirm(step, hosts, by),
            Event::StepAnswered { step, values, by, .. } => self.answer(step, values, by),
            Event::WaitStarted { step, until_ms } => self.wait(step, *until_ms),
            Event::AttemptPlanned(plan) => self.plan_attempt(plan),
            Event::AttemptRunning { attempt } => self.phase(attempt, AttemptPhase::seen_running_at),
            Event::AttemptUnreachable { attempt, reason } => self.phase(attempt, |phase, at| phase.away(reason, at)),
            Event::AttemptOverdue { attempt } => self.overdue(attempt),
            Event::AttemptStopFailed { attempt } => self.stop_failed(attempt),
            Event::AttemptEnded { attempt, ending } => self.end_attempt(attempt, ending),
            Event::GuardHeld { step, host, guard } => {
                self.one_cell(step, host, |cell, at_ms| cell.guarded(guard + 1, at_ms))
            }
            Event::StepPreviewed { step, host, output } => {
                self.one_cell(step, host, |cell, _| cell.preview = Some(*output))
            }
            Event::StepWorked { step, host } => self.one_cell(step, host, Cell::worked),
            Event::VerifyPostponed { step, host, at_ms, why } => {
                self.one_cell(step, host, |cell, now_ms| cell.verify_at(*at_ms, why, now_ms))
            }
            Event::ValuesCaptured { step, host, values } => self.capture(step, host, values),
            Event::RetryScheduled { step, host, at_ms, why } => {
                self.one_cell(step, host, |cell, _| cell.retry_at(*at_ms, why))
            }
            Event::StepFinished { step, host, result } => {
                self.one_cell(step, host, |cell, at_ms| cell.finish(CellState::Finished(result.clone()), at_ms))
            }
            Event::RetryRequested { step, hosts, by } => self.retry(step, hosts, by),
            Event::UnknownResolved { step, host, resolution, note, by } => {
                self.lay_hand_on(step, by)?;
                self.resolve(step, host, *resolution, note)
            }
            Event::RunPaused { why, by } => self.pause_run(why, by.as_ref()),
            Event::RunResumed { .. } => self.resume_run(),
            Event::StopRequested { attempts, then, why, by } => self.begin_stop(attempts, *then, why, by),
            Event::WheelTaken { by, from } => self.pass_wheel(by, from),
            Event::SecretsLost => self.secrets_are_missing(true),
            Event::SecretsSupplied { .. } => self.secrets_are_missing(false),
            Event::LockLost { lock, host, holder, since_ms } => self.lose_lock(lock, host, *holder, *since_ms),
            Event::LocksTaken => self.take_locks(),
            Event::UndoStarted { steps, by } => self.begin_undo(steps, by.clone()),
            Event::UndoFinished { .. } => self.end_undo(),
            Event::ApprovalRequested { step, hosts, by, binding, expires_at_ms } => {
                self.request_approval(step, hosts, by, binding, *expires_at_ms)
            }
            Event::ApprovalGiven { step, by, note } => self.give_approval(step, by, note.as_ref()),
            Event::ApprovalRejected { step, by, reason } => {
                self.end_approval(step, Word::Rejected { by: by.clone(), reason: reason.clone() })
            }
            Event::ApprovalLapsed { step, by, why } => self.lapse(step, by, why),
            Event::ApprovalWithdrawn { step, by } => self.end_approval(step, Word::Withdrawn { by: by.clone() }),
            Event::ApprovalExpired { step } => self.end_approval(step, Word::Expired),
            Event::ApprovalVoided { step, what } => self.end_approval(step, Word::Voided(what.clone())),
            Event::ApprovalUsed { step, hosts } => self.use_approval(step, hosts),
            Event::ApprovalAskedAgain { step, by } => self.ask_again(step, by),
            Event::StepHeld { step, windows } => self.hold(step, windows),
            Event::StepFreed { step } => self.free(step),
            Event::WindowOverridden { step, by, .. } => self.override_windows(step, by),
            Event::RunEnded { end, why } => self.end_run(*end, why),
        }
    }

    fn corrupt(&self, what: &str) -> CorruptLog {
        CorruptLog { seq: self.seq, what: what.to_owned() }
    }

    fn step_position(&self, step: &StepId) -> Result<usize, CorruptLog> {
        self.plan.step_index(step).ok_or_else(|| self.corrupt(&format!("the plan has no step {step}")))
    }

    fn touch_current(&mut self) {
        if let Some(index) = self.current {
            self.steps[index].changed_seq = self.seq;
        }
    }

    fn set_standing(&mut self, host: &HostName, standing: Standing) -> Result<(), CorruptLog> {
        let missing = self.corrupt(&format!("the plan has no host {host}"));
        let state = self.hosts.iter_mut().find(|state| state.name == *host).ok_or(missing)?;
        state.standing = standing;
        Ok(())
    }

    fn count_unreachable(&mut self, host: &HostName, reason: &str) -> Result<(), CorruptLog> {
        let before = self.host(host).map_or(0, |state| match state.standing {
            Standing::Unreachable { tries, .. } => tries,
            Standing::Unproven | Standing::Proven(_) | Standing::Refused { .. } | Standing::Dropped(_) => 0,
        });
        let standing = Standing::Unreachable { reason: reason.to_owned(), since_ms: self.at_ms, tries: before + 1 };
        self.set_standing(host, standing)
    }

    fn forget_unreachable(&mut self) {
        for host in &mut self.hosts {
            if matches!(host.standing, Standing::Unreachable { .. }) {
                host.standing = Standing::Unproven;
            }
        }
    }

    fn drop_host(&mut self, host: &HostName, why: &DropReason) -> Result<(), CorruptLog> {
        self.touch_current();
        self.set_standing(host, Standing::Dropped(why.clone()))?;
        self.move_single_cell(host);
        Ok(())
    }

    /// A step that is worked once is worked for the whole run: the host that it stood on is gone, the step is not.
    fn move_single_cell(&mut self, dropped: &HostName) {
        let next = self.standing_hosts().next().map(|host| host.name.clone());
        let (Some(index), Some(next)) = (self.current, next) else { return };
        let once = self.plan.steps[index].once();
        if let [cell] = self.steps[index].cells.as_mut_slice()
            && once
            && cell.host == *dropped
            && !cell.is_settled()
            && cell.live_attempt().is_none()
        {
            cell.host = next;
            cell.start_over();
            self.approval = None;
            self.held = None;
        }
    }

    fn enter(&mut self, step: &StepId) -> Result<(), CorruptLog> {
        let index = self.step_position(step)?;
        if self.current.is_some_and(|current| current >= index) {
            return Err(self.corrupt("steps are entered in order"));
        }
        if let Some(before) = self.current {
            self.steps[before].ended_at_ms.get_or_insert(self.at_ms);
        }
        let first = self.standing_hosts().next().map(|host| host.name.clone());
        let entered = &mut self.steps[index];
        entered.entered_at_ms = Some(self.at_ms);
        entered.changed_seq = self.seq;
        // A precondition that is worked once has a cell for each host all the same, and each keeps its own.
        if let (true, Some(first), [cell]) = (self.plan.steps[index].once(), first, entered.cells.as_mut_slice()) {
            cell.host = first;
        }
        self.current = Some(index);
        self.forget_word();
        Ok(())
    }

    fn one_cell(
        &mut self,
        step: &StepId,
        host: &HostName,
        change: impl FnOnce(&mut Cell, i64),
    ) -> Result<(), CorruptLog> {
        let index = self.step_position(step)?;
        let (seq, at_ms) = (self.seq, self.at_ms);
        let missing = self.corrupt(&format!("step {step} is not worked on {host}"));
        let state = &mut self.steps[index];
        let cell = state.cells.iter_mut().find(|cell| cell.host == *host).ok_or(missing)?;
        change(cell, at_ms);
        state.changed_seq = seq;
        Ok(())
    }

    fn each_cell(
        &mut self,
        step: &StepId,
        hosts: &[HostName],
        change: impl Fn(&mut Cell, i64),
    ) -> Result<(), CorruptLog> {
        hosts.iter().try_for_each(|host| self.one_cell(step, host, &change))
    }

    fn take_values(
        &mut self,
        step: usize,
        host: Option<&HostName>,
        values: &std::collections::BTreeMap<crate::id::ValueName, crate::runbook::model::Value>,
    ) {
        // A step that runs once speaks for the whole run: its values are every host's.
        let for_all = self.plan.steps[step].once();
        for state in &mut self.hosts {
            if for_all || Some(&state.name) == host {
                state.values.extend(values.clone());
            }
        }
        if host.is_none()
            && let Some(cell) = self.steps[step].cells.first_mut()
        {
            cell.values.extend(values.clone());
        }
    }

    fn plan_attempt(&mut self, plan: &AttemptPlan) -> Result<(), CorruptLog> {
        if self.attempts.contains_key(&plan.attempt) {
            return Err(self.corrupt("an attempt id is used once"));
        }
        let attempt = plan.attempt;
        if plan.purpose == Purpose::Undo {
            match &mut self.undo {
                Some(undo) if undo.attempt.is_none() => undo.attempt = Some(attempt),
                Some(_) | None => return Err(self.corrupt("nothing waits to be taken back")),
            }
        }
        let busy = self
            .cell(&plan.step, &plan.host)
            .and_then(Cell::live_attempt)
            .and_then(|live| self.attempts.get(&live))
            .is_some_and(|live| !live.is_over());
        if busy {
            return Err(self.corrupt("a cell has one attempt at a time"));
        }
        self.attempts.insert(
            attempt,
            AttemptState {
                plan: plan.clone(),
                planned_at_ms: self.at_ms,
                phase: AttemptPhase::Starting,
                overdue: false,
            },
        );
        let purpose = plan.purpose;
        // One word is for all the looks of a waiting: each is the same question, asked again.
        let polls = self.step_position(&plan.step).map(|index| &self.plan.steps[index])?;
        let polls = purpose == Purpose::Main && polls.approval.is_some() && polls.is_until();
        self.one_cell(&plan.step, &plan.host, |cell, at_ms| {
            cell.let_poll |= polls;
            cell.begin(attempt, purpose, at_ms);
        })
    }

    fn live_attempt(&mut self, attempt: &AttemptId) -> Result<&mut AttemptState, CorruptLog> {
        let over = self.corrupt("the attempt is not live");
        self.attempts.get_mut(attempt).filter(|state| !state.is_over()).ok_or(over)
    }

    fn phase(
        &mut self,
        attempt: &AttemptId,
        change: impl FnOnce(&AttemptPhase, i64) -> AttemptPhase,
    ) -> Result<(), CorruptLog> {
        let at_ms = self.at_ms;
        let state = self.live_attempt(attempt)?;
        state.phase = change(&state.phase, at_ms);
        Ok(())
    }

    fn end_attempt(&mut self, attempt: &AttemptId, ending: &Ending) -> Result<(), CorruptLog> {
        let at_ms = self.at_ms;
        let state = self.live_attempt(attempt)?;
        state.phase = AttemptPhase::Over { ending: ending.clone(), at_ms };
        let plan = state.plan.clone();
        if let Some(stop) = &mut self.stop {
            stop.attempts.retain(|waiting| waiting != attempt);
            stop.failed.retain(|waiting| waiting != attempt);
        }
        self.one_cell(&plan.step, &plan.host, |cell, at_ms| {
            if matches!(ending, Ending::Unknown(_)) {
                cell.unknowns += 1;
            }
            match plan.purpose {
                Purpose::Main => {
                    cell.first_try_ended_at_ms.get_or_insert(at_ms);
                }
                Purpose::Preview => cell.state = CellState::Previewed { attempt: plan.attempt, at_ms },
                Purpose::Guard(_) | Purpose::Verify | Purpose::Undo => {}
            }
        })
    }

    fn resolve(
        &mut self,
        step: &StepId,
        host: &HostName,
        resolution: crate::run::event::Resolution,
        note: &str,
    ) -> Result<(), CorruptLog> {
        use crate::run::event::Resolution;
        let unknown =
            self.cell(step, host).is_some_and(|cell| matches!(cell.state, CellState::Finished(StepResult::Unknown(_))));
        if !unknown {
            return Err(self.corrupt("only an unknown outcome is resolved"));
        }
        self.one_cell(step, host, |cell, at_ms| match resolution {
            Resolution::Completed => cell.finish(CellState::Resolved { partly: false, note: note.to_owned() }, at_ms),
            Resolution::Partly => cell.finish(CellState::Resolved { partly: true, note: note.to_owned() }, at_ms),
            Resolution::DidNotRun => {
                // Of the tries since a person asked, this one did nothing; those before it may have.
                cell.has_run |= cell.tries > 1;
                cell.start_over();
            }
            Resolution::Stop => {}
        })
    }

    fn begin_undo(&mut self, steps: &[StepId], by: Option<crate::run::event::Actor>) -> Result<(), CorruptLog> {
        let mut remaining = Vec::new();
        for step in steps {
            let index = self.step_position(step)?;
            remaining.extend(
                self.steps[index].cells.iter().filter(|cell| cell.changed()).map(|cell| (index, cell.host.clone())),
            );
        }
        // A word for going forward is none for taking back.
        self.steps.iter_mut().flat_map(|step| &mut step.cells).for_each(|cell| cell.approved = false);
        self.undo = Some(UndoState { remaining, attempt: None, by });
        self.pause = None;
        self.forget_word();
        self.touch_current();
        Ok(())
    }
}
