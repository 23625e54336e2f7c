//! What people ask of a run: each request is checked against what they saw, who drives, and what is due.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Draft, STOP_GRACE};
use crate::id::{AttemptId, HostName, StepId, ValueName};
use crate::run::action::{Action, Effect, Refusal, Request};
use crate::run::approval;
use crate::run::evaluate;
use crate::run::event::{
    Actor, AfterStop, DropReason, Event, FailedBecause, PauseReason, Purpose, Resolution, RunEnd, SkipReason,
};
use crate::run::need;
use crate::run::plan::{Gesture, Part, PlannedAction, PlannedStep};
use crate::run::state::{Cell, CellState};
use crate::run::view::Need;

pub(super) type Answer = Result<(), Refusal>;

impl Draft<'_> {
    pub(super) fn follow_request(&mut self, request: &Request) -> Answer {
        let by = &request.by;
        self.only_the_driver(by, &request.action)?;
        self.not_by_nobody(request)?;
        match &request.action {
            Action::Confirm { step, typed } => {
                let index = self.current_step(step, request.seen_seq)?;
                self.confirm(index, typed.as_deref(), by)
            }
            Action::Answer { step, values, note } => {
                let index = self.current_step(step, request.seen_seq)?;
                self.answer(index, values, note.clone(), by)
            }
            Action::Done { step, note } => {
                let index = self.current_step(step, request.seen_seq)?;
                self.answer(index, &BTreeMap::new(), note.clone(), by)
            }
            Action::Retry { step, hosts } => {
                let index = self.current_step(step, request.seen_seq)?;
                self.retry(index, hosts, by)
            }
            Action::Skip { step, hosts, reason } => {
                let index = self.current_step(step, request.seen_seq)?;
                self.skip(index, hosts, reason, by)
            }
            Action::Resolve { step, host, resolution, note } => {
                let index = self.current_step(step, request.seen_seq)?;
                self.resolve(index, host, *resolution, note, by)
            }
            Action::Stop { step, hosts, reason } => self.stop_step(step, hosts, reason, by),
            Action::Pause => self.pause(by),
            Action::Resume => self.resume(by),
            Action::Abort { reason } => self.abort(reason, by),
            Action::TakeWheel => self.take_wheel(by),
            Action::DropHost { host, reason } => self.drop_host(host, reason, by),
            Action::SupplySecrets => self.secrets_supplied(by),
            Action::Undo { reason } => self.undo(reason, by),
            Action::UndoDone { step, note } => self.undo_done(step, note.clone(), by),
            Action::Approve { step, note } => self.approve(step.as_ref(), note.as_ref(), request),
            Action::Reject { step, reason } => self.reject(step.as_ref(), reason, request),
            Action::Withdraw { step } => self.withdraw(step.as_ref(), request),
            Action::AskAgain { step } => self.ask_again(step.as_ref(), request),
            Action::OverrideWindow { step, reason } => {
                let index = self.worked_step(step, request.seen_seq)?;
                self.override_window(index, reason, request)
            }
        }
    }

    /// Pausing, stopping and taking over are open to everyone: they only make a run safer. Approvals are other people's
    /// by their nature, and so is the word on an unknown outcome of a step that needs one.
    fn only_the_driver(&self, by: &Actor, action: &Action) -> Answer {
        let open_to_all = match action {
            Action::Pause
            | Action::Abort { .. }
            | Action::Stop { .. }
            | Action::TakeWheel
            | Action::SupplySecrets
            | Action::Approve { .. }
            | Action::Reject { .. }
            | Action::Withdraw { .. }
            | Action::OverrideWindow { .. } => true,
            Action::Confirm { .. }
            | Action::Answer { .. }
            | Action::Done { .. }
            | Action::Retry { .. }
            | Action::Skip { .. }
            | Action::AskAgain { .. }
            | Action::Resume
            | Action::DropHost { .. }
            | Action::Undo { .. }
            | Action::UndoDone { .. } => false,
            Action::Resolve { step, .. } => self.needs_second_person(step),
        };
        if open_to_all || *by == self.state.driver {
            return Ok(());
        }
        Err(Refusal::NotNow(format!("{} drives this run; take the wheel first", self.state.driver)))
    }

    /// Where others must agree, everything that brings the run on is somebody's: whoever holds a token that belongs to
    /// nobody could agree, as themselves, to what they asked for with it. Making the run safer stays open.
    fn not_by_nobody(&self, request: &Request) -> Answer {
        let is_safe = matches!(request.action, Action::Pause | Action::Abort { .. } | Action::Stop { .. });
        if is_safe || !request.who.is_of_nobody || !self.state.plan.asks_others() {
            return Ok(());
        }
        Err(Refusal::NotNow(format!(
            "this run asks others to agree, and {} belongs to nobody: it does not say who else is another. Use a token with \
             an owner, or sign in",
            request.by
        )))
    }

    /// The step must be the one that is worked forwards, and unchanged since the person looked.
    fn current_step(&self, step: &StepId, seen_seq: u64) -> Result<usize, Refusal> {
        self.step_at(self.state.current, step, seen_seq)
    }

    /// The same, be it that it is taken back.
    fn worked_step(&self, step: &StepId, seen_seq: u64) -> Result<usize, Refusal> {
        self.step_at(self.state.worked(), step, seen_seq)
    }

    fn step_at(&self, now: Option<usize>, step: &StepId, seen_seq: u64) -> Result<usize, Refusal> {
        let index =
            self.state.plan.step_index(step).ok_or_else(|| Refusal::Wrong(format!("this run has no step {step}")))?;
        let changed_seq = self.state.steps[index].changed_seq;
        if seen_seq < changed_seq {
            return Err(Refusal::Stale { seen: seen_seq, now: changed_seq });
        }
        if now != Some(index) {
            let now = now.map(|current| self.state.plan.steps[current].id.to_string());
            return Err(Refusal::NotNow(match now {
                Some(current) => format!("step {step} is not the current one; {current} is"),
                None => "no step has begun yet".to_owned(),
            }));
        }
        if self.state.stop.is_some() {
            return Err(Refusal::NotNow("the run is being stopped".to_owned()));
        }
        Ok(index)
    }

    fn confirm(&mut self, index: usize, typed: Option<&str>, by: &Actor) -> Answer {
        let Some(Need::Confirm { gesture, expected, hosts, preview_stale_at_ms, .. }) = need::need(&self.state) else {
            return Err(Refusal::NotNow("nothing waits to be confirmed".to_owned()));
        };
        let typed = typed.map(str::trim);
        if let Some(expected) = &expected
            && typed != Some(expected.as_str())
        {
            return Err(Refusal::Wrong(match (&gesture, typed) {
                (_, None | Some("")) => format!("type {expected:?} to confirm"),
                (Gesture::Count, Some(typed)) => format!("you typed {typed:?}, but this is for {expected} hosts"),
                (_, Some(typed)) => format!("you typed {typed:?}, but what is asked for is {expected:?}"),
            }));
        }
        if preview_stale_at_ms.is_some_and(|at_ms| at_ms <= self.now_ms) {
            self.renew_previews(index);
            return Ok(());
        }
        let step = self.state.plan.steps[index].id.clone();
        self.emit(Event::StepConfirmed { step, hosts, by: by.clone(), typed: typed.map(str::to_owned) });
        Ok(())
    }

    fn renew_previews(&mut self, index: usize) {
        let stale: Vec<usize> = (0..self.state.steps[index].cells.len())
            .filter(|position| {
                let cell = &self.state.steps[index].cells[*position];
                !cell.released && matches!(cell.state, CellState::Previewed { .. })
            })
            .collect();
        for position in stale {
            self.plan_attempt(index, position, Purpose::Preview);
        }
        self.notice = Some(
            "the preview was older than 5 minutes and is being made anew; look at it and confirm again".to_owned(),
        );
    }

    fn answer(
        &mut self,
        index: usize,
        texts: &BTreeMap<ValueName, String>,
        note: Option<String>,
        by: &Actor,
    ) -> Answer {
        self.not_paused()?;
        let step = self.step(index);
        if step.approval.is_some() && !self.state.steps[index].cells.iter().all(|cell| cell.approved) {
            return Err(Refusal::NotNow(format!("step {} waits for approval", step.id)));
        }
        let PlannedAction::Manual { ask, .. } = &step.action else {
            return Err(Refusal::NotNow(format!("step {} is not done by a person", step.id)));
        };
        let Some(cell) = self.state.steps[index].cells.first().filter(|cell| !cell.is_settled()).cloned() else {
            return Err(Refusal::NotNow(format!("step {} is done already", step.id)));
        };
        if let Some(name) = texts.keys().find(|name| !ask.iter().any(|ask| ask.name == **name)) {
            return Err(Refusal::Wrong(format!("step {} does not ask for {name}", step.id)));
        }
        let mut values = BTreeMap::new();
        for question in ask {
            let text = texts.get(&question.name).ok_or_else(|| {
                Refusal::Wrong(format!("an answer is missing: {} ({})", question.name, question.description))
            })?;
            let value = evaluate::answer(question, text)
                .map_err(|reason| Refusal::Wrong(format!("{}: {reason}", question.name)))?;
            values.insert(question.name.clone(), value);
        }
        self.emit(Event::StepAnswered { step: step.id.clone(), by: by.clone(), values, note });
        self.judge_answer(&step, &cell);
        Ok(())
    }

    fn judge_answer(&mut self, step: &PlannedStep, cell: &Cell) {
        let holds = match &step.expect {
            Some(expect) => evaluate::condition_holds(&self.state, &cell.host, expect),
            None => Ok(true),
        };
        match holds {
            Ok(true) => self.succeed(step, &cell.host),
            Ok(false) => {
                let text = format!("{} does not hold", step.expect.as_deref().unwrap_or_default());
                self.finish_failed(step, &cell.host, FailedBecause::Answer, text, step.otherwise.as_deref());
            }
            Err(text) => self.finish_failed(step, &cell.host, FailedBecause::Evaluation, text, None),
        }
    }

    fn retry(&mut self, index: usize, hosts: &[HostName], by: &Actor) -> Answer {
        let step = self.step(index);
        let failed = need::failed_hosts(&self.state, &step.id);
        let hosts = chosen(hosts, &failed, || format!("did not fail at step {}", step.id))?;
        if hosts.is_empty() {
            return Err(Refusal::NotNow(format!("no host has failed at step {}", step.id)));
        }
        self.emit(Event::RetryRequested { step: step.id.clone(), hosts, by: by.clone() });
        self.resume_if_mended(&step.id, by);
        self.count_as_press(index, by);
        Ok(())
    }

    /// Asking for a retry is itself the one tap that a plain change asks for.
    fn count_as_press(&mut self, index: usize, by: &Actor) {
        let step = &self.state.plan.steps[index];
        if step.preview.is_some() || self.state.pause.is_some() {
            return;
        }
        if let Some(Need::Confirm { gesture: Gesture::Press, hosts, step, .. }) = need::need(&self.state) {
            self.emit(Event::StepConfirmed { step, hosts, by: by.clone(), typed: None });
        }
    }

    fn resume_if_mended(&mut self, step: &StepId, by: &Actor) {
        let pause_is_for_step = matches!(
            self.state.pause.as_ref().map(|pause| &pause.why),
            Some(PauseReason::StepFailed(failed) | PauseReason::Stopped(failed) | PauseReason::ApprovalRejected(failed)) if failed == step
        );
        if pause_is_for_step && need::failed_hosts(&self.state, step).is_empty() {
            self.emit(Event::RunResumed { by: Some(by.clone()) });
        }
    }

    fn skip(&mut self, index: usize, hosts: &[HostName], reason: &str, by: &Actor) -> Answer {
        let step = self.step(index);
        if step.part == Part::Precondition && step.approval.is_some() {
            return Err(Refusal::NotNow("the approval of the whole run cannot be skipped".to_owned()));
        }
        let reason = said(reason, "say why the step is skipped")?;
        let cells = self.state.steps[index].cells.iter();
        let open: Vec<HostName> = cells
            .filter(|cell| !self.state.is_dropped(&cell.host))
            .filter(|cell| cell.has_failed() || (!cell.is_settled() && cell.live_attempt().is_none()))
            .map(|cell| cell.host.clone())
            .collect();
        let hosts = chosen(hosts, &open, || format!("cannot be skipped at step {} now", step.id))?;
        if hosts.is_empty() {
            return Err(Refusal::NotNow(format!("nothing of step {} can be skipped now; stop it first", step.id)));
        }
        let why = SkipReason::Person { by: by.clone(), why: reason };
        self.emit(Event::StepSkipped { step: step.id.clone(), hosts, why });
        self.resume_if_mended(&step.id, by);
        Ok(())
    }

    fn resolve(&mut self, index: usize, host: &HostName, resolution: Resolution, note: &str, by: &Actor) -> Answer {
        let step = self.state.plan.steps[index].id.clone();
        if !self.state.cell(&step, host).is_some_and(Cell::is_unknown) {
            return Err(Refusal::NotNow(format!("the outcome of step {step} on {host} is not unknown")));
        }
        self.only_another_resolves(index, resolution, by)?;
        let note = match resolution {
            Resolution::Partly => said(note, "say what was done and what was not")?,
            Resolution::Completed | Resolution::DidNotRun | Resolution::Stop => note.trim().to_owned(),
        };
        let host = host.clone();
        self.emit(Event::UnknownResolved { step: step.clone(), host: host.clone(), resolution, note, by: by.clone() });
        let live: Vec<AttemptId> = self.state.live_attempts().map(|(id, _)| *id).collect();
        if resolution == Resolution::Stop && !live.is_empty() {
            // Its locks are given back when it ends: not while something still runs under them.
            self.request_stop(live, AfterStop::End, "the outcome of another host is unknown", by);
        } else if resolution == Resolution::Stop {
            self.end(RunEnd::Failed, format!("stopped by {by}: the outcome of step {step} on {host} is unknown"));
        }
        Ok(())
    }

    fn needs_second_person(&self, step: &StepId) -> bool {
        self.state.plan.step_index(step).is_some_and(|index| self.state.plan.steps[index].approval.is_some())
    }

    /// Who sent a step on its way that needed the word of others does not say alone what became of it. Ending the run
    /// is open to them: it makes nothing happen.
    fn only_another_resolves(&self, index: usize, resolution: Resolution, by: &Actor) -> Answer {
        let step = &self.state.plan.steps[index];
        if step.approval.is_none() || resolution == Resolution::Stop {
            return Ok(());
        }
        if approval::is_token(by) {
            return Err(Refusal::NotNow("a person must say what became of it, not a token".to_owned()));
        }
        match approval::barred(&self.state, index, by) {
            Some(why) => Err(Refusal::NotNow(format!(
                "{} {why}: step {} needs a second person, also to say what became of it",
                by.person(),
                step.id
            ))),
            None => Ok(()),
        }
    }

    fn stop_step(&mut self, step: &StepId, hosts: &[HostName], reason: &str, by: &Actor) -> Answer {
        let live = self.state.live_attempts().filter(|(_, attempt)| attempt.plan.step == *step);
        let attempts: Vec<AttemptId> = live
            .filter(|(_, attempt)| hosts.is_empty() || hosts.contains(&attempt.plan.host))
            .map(|(id, _)| *id)
            .collect();
        if attempts.is_empty() {
            return Err(Refusal::NotNow(format!("nothing of step {step} is running")));
        }
        self.request_stop(attempts, AfterStop::Pause, reason, by);
        Ok(())
    }

    fn abort(&mut self, reason: &str, by: &Actor) -> Answer {
        let attempts: Vec<AttemptId> = self.state.live_attempts().map(|(id, _)| *id).collect();
        self.request_stop(attempts, AfterStop::End, reason, by);
        Ok(())
    }

    fn request_stop(&mut self, attempts: Vec<AttemptId>, then: AfterStop, reason: &str, by: &Actor) {
        let why = if reason.trim().is_empty() { "no reason given".to_owned() } else { reason.trim().to_owned() };
        self.emit(Event::StopRequested { attempts: attempts.clone(), then, why, by: by.clone() });
        for attempt in attempts {
            self.effects.push(Effect::Stop { attempt, grace: STOP_GRACE });
        }
    }

    fn pause(&mut self, by: &Actor) -> Answer {
        self.not_paused()?;
        self.emit(Event::RunPaused { why: PauseReason::Person, by: Some(by.clone()) });
        Ok(())
    }

    fn not_paused(&self) -> Answer {
        match &self.state.pause {
            Some(_) => Err(Refusal::NotNow("the run is paused; resume it first".to_owned())),
            None => Ok(()),
        }
    }

    fn resume(&mut self, by: &Actor) -> Answer {
        let Some(pause) = self.state.pause.clone() else {
            return Err(Refusal::NotNow("the run is not paused".to_owned()));
        };
        if let PauseReason::StepFailed(step) | PauseReason::Stopped(step) = &pause.why {
            let failed = need::failed_hosts(&self.state, step);
            if !failed.is_empty() {
                let hosts = crate::run::words::names(&failed);
                return Err(Refusal::NotNow(format!(
                    "step {step} failed on {hosts}: retry it or skip it with a reason"
                )));
            }
        }
        if let PauseReason::ApprovalRejected(step) = &pause.why {
            return Err(Refusal::NotNow(format!(
                "step {step} was rejected: ask again, skip it with a reason or abort the run"
            )));
        }
        self.emit(Event::RunResumed { by: Some(by.clone()) });
        if self.state.current.is_none() {
            self.prove_hosts();
        }
        Ok(())
    }

    fn take_wheel(&mut self, by: &Actor) -> Answer {
        if *by == self.state.driver {
            return Err(Refusal::NotNow("you hold the wheel already".to_owned()));
        }
        self.emit(Event::WheelTaken { by: by.clone(), from: self.state.driver.clone() });
        Ok(())
    }

    fn drop_host(&mut self, host: &HostName, reason: &str, by: &Actor) -> Answer {
        let why = said(reason, "say why the run goes on without the host")?;
        if self.state.plan.host_index(host).is_none() || self.state.is_dropped(host) {
            return Err(Refusal::Wrong(format!("{host} is not a host of this run")));
        }
        if self.state.live_attempts().any(|(_, attempt)| attempt.plan.host == *host) {
            return Err(Refusal::NotNow(format!("something still runs for {host}; stop it first")));
        }
        let unknown =
            self.state.steps.iter().flat_map(|step| &step.cells).any(|cell| cell.host == *host && cell.is_unknown());
        if unknown {
            return Err(Refusal::NotNow(format!("the outcome on {host} is unknown; resolve it first")));
        }
        self.emit(Event::HostDropped { host: host.clone(), why: DropReason::Person { by: by.clone(), why } });
        let mended = match self.state.pause.as_ref().map(|pause| pause.why.clone()) {
            Some(PauseReason::StepFailed(step)) => need::failed_hosts(&self.state, &step).is_empty(),
            Some(PauseReason::HostsUnreachable(hosts)) => hosts.iter().all(|host| self.state.is_dropped(host)),
            Some(
                PauseReason::Person
                | PauseReason::SecretsLost
                | PauseReason::Stopped(_)
                | PauseReason::UndoFailed(_)
                | PauseReason::ApprovalRejected(_)
                | PauseReason::CannotLook(_),
            )
            | None => false,
        };
        if mended {
            self.emit(Event::RunResumed { by: Some(by.clone()) });
        }
        Ok(())
    }

    fn secrets_supplied(&mut self, by: &Actor) -> Answer {
        if !self.state.secrets_missing {
            return Err(Refusal::NotNow("no secret is missing".to_owned()));
        }
        self.emit(Event::SecretsSupplied { by: by.clone() });
        let waiting: Vec<AttemptId> = self.state.live_attempts().map(|(id, _)| *id).collect();
        for attempt in waiting {
            self.effects.push(Effect::Attend { attempt, after: Duration::ZERO });
        }
        Ok(())
    }
}

/// The hosts that were asked for, or all that can be; one that cannot be is refused by name.
fn chosen(asked: &[HostName], can: &[HostName], why_not: impl Fn() -> String) -> Result<Vec<HostName>, Refusal> {
    if asked.is_empty() {
        return Ok(can.to_vec());
    }
    match asked.iter().find(|host| !can.contains(host)) {
        Some(host) => Err(Refusal::NotNow(format!("{host} {}", why_not()))),
        None => Ok(asked.to_vec()),
    }
}

pub(super) fn said(text: &str, ask: &str) -> Result<String, Refusal> {
    match text.trim() {
        "" => Err(Refusal::Wrong(ask.to_owned())),
        text => Ok(text.to_owned()),
    }
}
