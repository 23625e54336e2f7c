//! What an attempt's end means for its step.

use super::{Draft, RERUNS_MAX};
use crate::id::{Digest, HostName};
use crate::run::action::{HEAD_BYTES, Heads};
use crate::run::evaluate;
use crate::run::event::{
    AttemptPlan, Ending, Event, FailedBecause, Failure, PauseReason, Purpose, StepResult, UnknownBecause,
};
use crate::run::plan::{PlannedAction, PlannedStep};
use crate::run::state::CellState;
use crate::run::wake::backoff_ms;
use crate::runbook::model::Effect;

impl Draft<'_> {
    pub(super) fn judge(&mut self, attempt: &AttemptPlan, ending: &Ending, heads: &Heads) {
        let Some(index) = self.state.plan.step_index(&attempt.step) else {
            return;
        };
        let step = self.step(index);
        if attempt.purpose == Purpose::Undo {
            return self.judge_undo(&step, attempt, ending);
        }
        match ending {
            Ending::Unknown(because) => self.judge_unknown(&step, attempt, because),
            Ending::TimedOut => self.fail_or_retry(&step, attempt, StepResult::TimedOut, "its time was over"),
            Ending::Cancelled => self.finish(&step, &attempt.host, StepResult::Cancelled),
            Ending::DidNotRun(reason) => {
                self.fail(&step, attempt, FailedBecause::DidNotRun, format!("it did not run: {reason}"), None);
            }
            Ending::Killed(signal) => {
                let text = format!("{} was killed by signal {signal}", what(attempt.purpose));
                self.fail(&step, attempt, FailedBecause::Killed(*signal), text, None);
            }
            Ending::Disconnected => self.succeed(&step, &attempt.host),
            Ending::Exited(code) => self.judge_exit(&step, attempt, *code, heads),
        }
    }

    fn judge_exit(&mut self, step: &PlannedStep, attempt: &AttemptPlan, code: i32, heads: &Heads) {
        match attempt.purpose {
            Purpose::Preview if code == 0 => {
                let (step, host) = (step.id.clone(), attempt.host.clone());
                self.emit(Event::StepPreviewed { step, host, output: seen_in(attempt, heads) });
            }
            Purpose::Preview => {
                let text = format!("the preview ended with exit {code}: {}", first_line(&heads.stderr));
                self.finish_failed(step, &attempt.host, FailedBecause::Exit(code), text, step.otherwise.as_deref());
            }
            Purpose::Guard(guard) => self.judge_guard(step, attempt, guard, code, heads),
            Purpose::Main => self.judge_main(step, attempt, code, heads),
            Purpose::Verify => self.judge_verify(step, attempt, code, heads),
            Purpose::Undo => {}
        }
    }

    fn judge_guard(&mut self, step: &PlannedStep, attempt: &AttemptPlan, guard: usize, code: i32, heads: &Heads) {
        let Some(check) = step.guards.get(guard) else {
            return;
        };
        match evaluate::holds(&self.state, &attempt.host, check.expect.as_deref(), code, heads) {
            Ok(true) => {
                self.emit(Event::GuardHeld { step: step.id.clone(), host: attempt.host.clone(), guard });
            }
            Ok(false) => {
                let text = format!(
                    "refused by guard {} ({}): {}",
                    guard + 1,
                    expectation(check.expect.as_deref(), code),
                    first_line(&heads.stderr)
                );
                let advice = check.otherwise.as_deref();
                self.finish_failed(step, &attempt.host, FailedBecause::Guard(guard), text, advice);
            }
            Err(text) => self.finish_failed(step, &attempt.host, FailedBecause::Evaluation, text, None),
        }
    }

    fn judge_main(&mut self, step: &PlannedStep, attempt: &AttemptPlan, code: i32, heads: &Heads) {
        let until = match &step.action {
            PlannedAction::Until { expect, every_ms, limit_ms, .. } => Some((expect.clone(), *every_ms, *limit_ms)),
            PlannedAction::Command { .. }
            | PlannedAction::Script { .. }
            | PlannedAction::Manual { .. }
            | PlannedAction::Pause { .. } => None,
        };
        let expect = until.as_ref().map_or_else(|| step.expect.clone(), |(expect, ..)| expect.clone());
        if code != 0 && expect.is_none() && until.is_none() {
            let text = format!("exit {code}{}", with_line(&heads.stderr));
            return self.fail(step, attempt, FailedBecause::Exit(code), text, step.otherwise.as_deref());
        }
        if let Err(text) = self.capture(step, &attempt.host, &step.capture, heads)
            && until.is_none()
        {
            return self.fail(step, attempt, FailedBecause::Capture, text, step.otherwise.as_deref());
        }
        match evaluate::holds(&self.state, &attempt.host, expect.as_deref(), code, heads) {
            Ok(true) => self.command_did_it(step, &attempt.host),
            Ok(false) => match until {
                Some((_, every_ms, limit_ms)) => self.until_later(step, attempt, code, every_ms, limit_ms),
                None => {
                    let text = format!("{} does not hold", expectation(expect.as_deref(), code));
                    self.fail(step, attempt, FailedBecause::Expect, text, step.otherwise.as_deref());
                }
            },
            Err(text) => self.fail(step, attempt, FailedBecause::Evaluation, text, None),
        }
    }

    fn command_did_it(&mut self, step: &PlannedStep, host: &HostName) {
        if step.verify.is_some() {
            self.emit(Event::StepWorked { step: step.id.clone(), host: host.clone() });
        } else {
            self.succeed(step, host);
        }
    }

    fn until_later(&mut self, step: &PlannedStep, attempt: &AttemptPlan, code: i32, every_ms: u64, limit_ms: u64) {
        let since_ms = self.state.cell(&step.id, &attempt.host).and_then(|cell| cell.first_try_ended_at_ms);
        let next_ms = self.now_ms.saturating_add_unsigned(every_ms);
        if since_ms.is_some_and(|since_ms| next_ms <= since_ms.saturating_add_unsigned(limit_ms)) {
            return self.retry_at(step, &attempt.host, next_ms, format!("waits; exit {code} so far"));
        }
        let text = format!("it did not come true within {}", seconds(limit_ms));
        self.finish_failed(step, &attempt.host, FailedBecause::Expect, text, step.otherwise.as_deref());
    }

    fn judge_verify(&mut self, step: &PlannedStep, attempt: &AttemptPlan, code: i32, heads: &Heads) {
        let Some(verify) = step.verify.clone() else {
            return;
        };
        let holds = self
            .capture(step, &attempt.host, &verify.capture, heads)
            .and_then(|()| evaluate::holds(&self.state, &attempt.host, verify.expect.as_deref(), code, heads));
        let why = match holds {
            Ok(true) => return self.succeed(step, &attempt.host),
            Ok(false) => format!("{} does not hold yet", expectation(verify.expect.as_deref(), code)),
            Err(text) => text,
        };
        self.verify_later(step, attempt, why);
    }

    fn verify_later(&mut self, step: &PlannedStep, attempt: &AttemptPlan, why: String) {
        let Some(verify) = &step.verify else {
            return;
        };
        let since_ms = match self.state.cell(&step.id, &attempt.host).map(|cell| &cell.state) {
            Some(CellState::Verifying { since_ms, .. }) => *since_ms,
            _ => self.now_ms,
        };
        let next_ms = self.now_ms.saturating_add_unsigned(verify.every_ms);
        if next_ms <= since_ms.saturating_add_unsigned(verify.limit_ms) {
            let (step, host) = (step.id.clone(), attempt.host.clone());
            return self.emit(Event::VerifyPostponed { step, host, at_ms: next_ms, why });
        }
        let text = format!("the change could not be verified within {}: {why}", seconds(verify.limit_ms));
        self.finish_failed(step, &attempt.host, FailedBecause::Verify, text, step.otherwise.as_deref());
    }

    /// Read-only and idempotent commands are run again; for all others a person must look.
    fn judge_unknown(&mut self, step: &PlannedStep, attempt: &AttemptPlan, because: &UnknownBecause) {
        let unknowns = self.state.cell(&step.id, &attempt.host).map_or(u32::MAX, |cell| cell.unknowns);
        let harmless = match attempt.purpose {
            Purpose::Preview | Purpose::Guard(_) | Purpose::Verify => true,
            Purpose::Main => step.effect() == Effect::Check || step.idempotent,
            Purpose::Undo => false,
        };
        if !harmless || unknowns > RERUNS_MAX {
            return self.finish(step, &attempt.host, StepResult::Unknown(because.clone()));
        }
        let at_ms = self.now_ms + backoff_ms(unknowns);
        let why = "its outcome is unknown and it is safe to run again".to_owned();
        if attempt.purpose == Purpose::Verify {
            self.verify_later(step, attempt, why);
        } else {
            self.retry_at(step, &attempt.host, at_ms, why);
        }
    }

    fn judge_undo(&mut self, step: &PlannedStep, attempt: &AttemptPlan, ending: &Ending) {
        let result = match ending {
            Ending::Exited(0) => StepResult::Succeeded,
            Ending::Exited(code) => failed(FailedBecause::Exit(*code), format!("undo ended with exit {code}")),
            Ending::Killed(signal) => {
                failed(FailedBecause::Killed(*signal), format!("undo was killed by signal {signal}"))
            }
            Ending::TimedOut => StepResult::TimedOut,
            Ending::Cancelled => StepResult::Cancelled,
            Ending::DidNotRun(reason) => failed(FailedBecause::DidNotRun, reason.clone()),
            Ending::Disconnected => StepResult::Succeeded,
            Ending::Unknown(because) => StepResult::Unknown(because.clone()),
        };
        let fine = result == StepResult::Succeeded;
        let (id, host) = (step.id.clone(), attempt.host.clone());
        self.emit(Event::UndoFinished { step: id.clone(), host, result, by: None });
        if !fine && self.state.stop.is_none() {
            self.emit(Event::RunPaused { why: PauseReason::UndoFailed(id), by: None });
        }
    }

    fn capture(
        &mut self,
        step: &PlannedStep,
        host: &HostName,
        captures: &std::collections::BTreeMap<crate::id::ValueName, crate::run::plan::PlannedCapture>,
        heads: &Heads,
    ) -> Result<(), String> {
        let values = evaluate::captured(captures, &heads.stdout)?;
        if !values.is_empty() {
            self.emit(Event::ValuesCaptured { step: step.id.clone(), host: host.clone(), values });
        }
        Ok(())
    }

    fn fail(
        &mut self,
        step: &PlannedStep,
        attempt: &AttemptPlan,
        because: FailedBecause,
        text: String,
        advice: Option<&str>,
    ) {
        let advice = advice.map(|advice| evaluate::rendered(&self.state, &attempt.host, advice));
        let result = StepResult::Failed(Failure { because, text: text.clone(), advice });
        self.fail_or_retry(step, attempt, result, &text);
    }

    fn fail_or_retry(&mut self, step: &PlannedStep, attempt: &AttemptPlan, result: StepResult, text: &str) {
        let retry = step.retry.as_ref().filter(|_| attempt.purpose == Purpose::Main);
        let cell = self.state.cell(&step.id, &attempt.host);
        if let (Some(retry), Some(cell)) = (retry, cell) {
            let next_ms = self.now_ms.saturating_add_unsigned(retry.every_ms);
            let first_ms = cell.first_try_ended_at_ms.unwrap_or(self.now_ms);
            let in_time = retry.for_ms_max.is_none_or(|for_ms| next_ms <= first_ms.saturating_add_unsigned(for_ms));
            if cell.tries <= retry.times_max && in_time && !self.stops_soon() {
                return self.retry_at(step, &attempt.host, next_ms, text.to_owned());
            }
        }
        self.finish(step, &attempt.host, result);
    }

    fn stops_soon(&self) -> bool {
        self.state.stop.is_some()
    }

    pub(super) fn finish_failed(
        &mut self,
        step: &PlannedStep,
        host: &HostName,
        because: FailedBecause,
        text: String,
        advice: Option<&str>,
    ) {
        let advice = advice.map(|advice| evaluate::rendered(&self.state, host, advice));
        self.finish(step, host, StepResult::Failed(Failure { because, text, advice }));
    }

    pub(super) fn succeed(&mut self, step: &PlannedStep, host: &HostName) {
        self.finish(step, host, StepResult::Succeeded);
    }

    fn finish(&mut self, step: &PlannedStep, host: &HostName, result: StepResult) {
        self.emit(Event::StepFinished { step: step.id.clone(), host: host.clone(), result });
    }

    fn retry_at(&mut self, step: &PlannedStep, host: &HostName, at_ms: i64, why: String) {
        self.emit(Event::RetryScheduled { step: step.id.clone(), host: host.clone(), at_ms, why });
    }
}

/// Stands for what a preview showed: two that show the same are equal. One that is longer than what is known of it here
/// equals no other.
fn seen_in(attempt: &AttemptPlan, heads: &Heads) -> Digest {
    let whole = heads.stdout.len().max(heads.stderr.len()) < HEAD_BYTES;
    let salt = if whole { String::new() } else { attempt.attempt.to_string() };
    Digest::of(format!("{}:{}{}{salt}", heads.stdout.len(), heads.stdout, heads.stderr).as_bytes())
}

fn failed(because: FailedBecause, text: String) -> StepResult {
    StepResult::Failed(Failure { because, text, advice: None })
}

fn what(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Preview => "the preview",
        Purpose::Guard(_) => "the guard",
        Purpose::Main => "the command",
        Purpose::Verify => "the check after it",
        Purpose::Undo => "undo",
    }
}

fn expectation(expect: Option<&str>, code: i32) -> String {
    match expect {
        Some(expect) => format!("expected {expect}, exit {code}"),
        None => format!("exit {code}"),
    }
}

fn seconds(ms: u64) -> String {
    format!("{} s", ms / 1000)
}

/// The first line of an error output, short enough for one line on a page.
fn first_line(text: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no error output").chars().take(200).collect()
}

fn with_line(stderr: &str) -> String {
    if stderr.trim().is_empty() { String::new() } else { format!(": {}", first_line(stderr)) }
}
