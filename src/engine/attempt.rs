//! Carries one attempt: sends its order or takes it up again, stores its bytes as they come, reports its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::Shared;
use super::ask::with_causes;
use super::live::Message;
use super::output::{AttemptLog, Caps, LogMeta, LogSummary, OutputError};
use super::secrets::RunSecrets;
use crate::id::{RunId, ValueName};
use crate::inventory::target::Target;
use crate::redact::{Needles, SecretText};
use crate::run::action::{Heads, Input, Report};
use crate::run::event::Purpose;
use crate::run::outcome::Offsets;
use crate::run::plan::PlannedStep;
use crate::run::script;
use crate::run::state::{AttemptState, State};
use crate::runbook::model::Attach;
use crate::runbook::model::Effect;
use crate::store::output::{OutputOwner, WholeOutput};
use crate::transport::{ARRIVALS_MAX, Arrival, AttemptKey, AttemptOrder, AttemptStatus, TransportError};

/// A command that ends within this time is not reported as running first: one event less to store.
const RUNNING_AFTER: Duration = Duration::from_millis(40);

/// Between two tries to store output that the disk or the database refused.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// How an attempt is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// It was just planned: send it.
    Start,
    /// It may have been started before: look first.
    TakeUp,
}

/// Everything that the task of one attempt needs.
pub struct AttemptTask {
    pub shared: Arc<Shared>,
    pub run: RunId,
    pub epoch: u64,
    pub state: Arc<State>,
    pub attempt: AttemptState,
    pub secrets: Arc<RunSecrets>,
    pub sender: mpsc::Sender<Message>,
    pub hint: watch::Sender<u64>,
}

impl AttemptTask {
    /// Works until the attempt has ended or its host cannot be reached, and reports it. A drain ends it early
    /// without a report: the next engine takes the attempt up.
    pub async fn carry(self, road: Road, after: Duration) {
        let draining = self.shared.draining.clone();
        let (report, output) = tokio::select! {
            () = draining.cancelled() => return,
            told = async {
                tokio::time::sleep(after).await;
                self.report(road).await
            } => told,
        };
        let attempt = self.attempt.plan.attempt;
        // A closed inbox means that the run has ended or another engine leads it.
        let _ = self.sender.send(Message::Attempt { attempt, report, output: output.map(Box::new) }).await;
    }

    /// What the host says of it, and all of its output where that is little and not stored yet.
    async fn report(&self, road: Road) -> (Report, Option<WholeOutput>) {
        let Some((step, target)) = self.step_and_target() else {
            return (Report::DidNotRun("the plan has no such step or host".to_owned()), None);
        };
        // Before anything arrives or starts: what the secrets are decides what may be stored.
        let secrets = match self.fetch_secrets(step, target, road).await {
            Ok(secrets) => secrets,
            Err(report) => return (report, None),
        };
        let mut log = self.open_log(road, secrets.needles.clone()).await;
        let stored = log.offsets();
        let (arrivals, arriving) = mpsc::channel(ARRIVALS_MAX);
        let host = self.ask_host(step, target, road, secrets.values, stored, arrivals);
        let (outcome, taken) = tokio::join!(host, self.take_in(&mut log, arriving));
        if let Err(error) = taken {
            // Following it again from what is stored mends what can be mended.
            tracing::error!(run.id = %self.run, attempt = %self.attempt.plan.attempt, %error, "output is read again");
            return (Report::Unreachable(format!("its output could not be taken: {error}")), None);
        }
        let status = match outcome {
            Ok(status) => status,
            Err(error) => return (self.failed(step, road, error), None),
        };
        let report = match status {
            AttemptStatus::Done(exit) => {
                let (summary, output) = self.finish(&mut log).await;
                return (Report::Ended(exit, heads(summary)), output);
            }
            AttemptStatus::Gone(because) => {
                let (_, output) = self.finish(&mut log).await;
                return (Report::Gone(because), output);
            }
            AttemptStatus::Lost if step.attach == Attach::Direct => Report::DirectLost,
            AttemptStatus::Lost | AttemptStatus::Absent => Report::Lost,
            AttemptStatus::Void => Report::DidNotRun("it was voided before it began".to_owned()),
            AttemptStatus::Running => Report::Unreachable("the connection ended while it ran".to_owned()),
        };
        (report, None)
    }

    fn step_and_target(&self) -> Option<(&PlannedStep, &Target)> {
        let step = self.state.plan.step_index(&self.attempt.plan.step)?;
        Some((&self.state.plan.steps[step], self.state.plan.target(&self.attempt.plan.runs_on)?))
    }

    fn failed(&self, step: &PlannedStep, road: Road, error: TransportError) -> Report {
        match error {
            TransportError::Unreachable { reason, .. } if step.attach == Attach::Direct => {
                tracing::warn!(run.id = %self.run, reason, "a step without a tether lost its connection");
                Report::DirectLost
            }
            TransportError::Unreachable { reason, .. } => Report::Unreachable(reason),
            TransportError::NotBegun { reason, .. } => Report::DidNotRun(reason),
            // Refused before anything was sent; when taken up again it may well run there.
            TransportError::Refused { reason, .. } if road == Road::Start => Report::DidNotRun(reason),
            TransportError::Refused { reason, .. } => Report::Unreachable(reason),
        }
    }

    async fn ask_host(
        &self,
        step: &PlannedStep,
        target: &Target,
        road: Road,
        secrets: Vec<(ValueName, SecretText)>,
        stored: Offsets,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Result<AttemptStatus, TransportError> {
        let transport = &self.shared.transport;
        let order = self.order(step, secrets);
        if road == Road::Start {
            return transport.start(self.run, target, &order, arrivals).await;
        }
        let status = transport.follow(self.run, target, &order.key, stored, arrivals.clone()).await?;
        if status == AttemptStatus::Absent && !self.attempt.seen_running() {
            let plan = &self.state.plan;
            let gated = step.approval.is_some() || !plan.windows.is_empty() && step.effect() != Effect::Check;
            if gated && self.attempt.plan.purpose == Purpose::Main {
                // What let it begin was true back then. It is made sure that it never begins; trying again asks anew.
                return transport.void(self.run, target, &order.key).await;
            }
            // Its start never reached the host: the same id may still be started, and is started once.
            return transport.start(self.run, target, &order, arrivals).await;
        }
        Ok(status)
    }

    fn order(&self, step: &PlannedStep, secrets: Vec<(ValueName, SecretText)>) -> AttemptOrder {
        let plan = &self.attempt.plan;
        let script = script::compose(step, plan.purpose, &plan.host, &plan.values)
            .expect("an attempt is planned only for what composes");
        let stdin = step.surroundings.stdin.clone().filter(|_| plan.purpose == Purpose::Main).unwrap_or_default();
        AttemptOrder {
            key: AttemptKey { attempt: plan.attempt, run_as: step.surroundings.run_as.clone() },
            epoch: self.epoch,
            script: script.text,
            shell: Some(script.shell),
            args: Vec::new(),
            stdin: stdin.into_bytes().into(),
            secrets,
            merge: step.surroundings.merge,
            direct: step.attach == Attach::Direct,
        }
    }

    async fn open_log(&self, road: Road, needles: Arc<Needles>) -> AttemptLog {
        let plan = &self.attempt.plan;
        let meta = LogMeta {
            owner: OutputOwner {
                attempt: plan.attempt,
                run: self.run,
                step: plan.step.clone(),
                host: plan.host.clone(),
                number: plan.number,
                purpose: purpose_word(plan.purpose).to_owned(),
            },
            started_ms: self.attempt.planned_at_ms.unsigned_abs(),
            needles,
            caps: Caps::default(),
        };
        if road == Road::Start {
            return AttemptLog::create(&self.shared.store, meta);
        }
        loop {
            match AttemptLog::open(&self.shared.store, meta.clone()).await {
                Ok(log) => return log,
                Err(error) => self.say_and_wait(&error).await,
            }
        }
    }

    /// Stores what arrives until the transport is done with it. Nothing is dropped: while the store refuses,
    /// nothing more is taken, and the bytes wait on the host.
    ///
    /// # Errors
    /// What does not pass by waiting: bytes are missing, or what is stored cannot be read.
    async fn take_in(&self, log: &mut AttemptLog, mut arriving: mpsc::Receiver<Arrival>) -> Result<(), OutputError> {
        let mut running_due = None;
        loop {
            let tick_at = log.due_ms();
            let arrival = tokio::select! {
                arrival = arriving.recv() => arrival,
                () = self.until(tick_at) => {
                    while let Err(error) = log.tick(self.now_ms()).await {
                        self.wait_for_storage(error).await?;
                    }
                    self.nudge();
                    continue;
                }
                () = sleep_until(running_due) => {
                    running_due = None;
                    let input = Input::Attempt { attempt: self.attempt.plan.attempt, report: Report::Running };
                    // A closed inbox means that the run has ended.
                    let _ = self.sender.send(Message::Input(input)).await;
                    continue;
                }
            };
            match arrival {
                None => return Ok(()),
                Some(Arrival::Running) => running_due = Some(tokio::time::Instant::now() + RUNNING_AFTER),
                Some(arrival) => {
                    let stored_before = log.offsets();
                    while let Err(error) = log.push(&arrival, self.now_ms()).await {
                        self.wait_for_storage(error).await?;
                    }
                    if log.offsets() != stored_before {
                        self.nudge();
                    }
                }
            }
        }
    }

    async fn finish(&self, log: &mut AttemptLog) -> (LogSummary, Option<WholeOutput>) {
        if let Some((summary, whole)) = log.finish_whole(self.now_ms()) {
            return (summary, Some(whole));
        }
        loop {
            match log.finish(self.now_ms()).await {
                Ok(summary) => {
                    self.nudge();
                    return (summary, None);
                }
                Err(error) => self.say_and_wait(&error).await,
            }
        }
    }

    async fn wait_for_storage(&self, error: OutputError) -> Result<(), OutputError> {
        if !error.may_pass() {
            return Err(error);
        }
        self.say_and_wait(&error).await;
        Ok(())
    }

    async fn say_and_wait(&self, error: &OutputError) {
        let attempt = self.attempt.plan.attempt;
        tracing::error!(run.id = %self.run, %attempt, %error, "output waits on the host: it cannot be stored");
        let said = with_causes(error);
        // A closed inbox means that the run has ended.
        let _ = self.sender.send(Message::Storage(Some(said))).await;
        tokio::time::sleep(STORE_AGAIN).await;
        let _ = self.sender.send(Message::Storage(None)).await;
    }

    fn nudge(&self) {
        self.hint.send_modify(|count| *count += 1);
    }

    fn now_ms(&self) -> u64 {
        self.shared.clock.wall_ms().unsigned_abs()
    }

    async fn until(&self, at_ms: Option<u64>) {
        match at_ms {
            None => std::future::pending().await,
            Some(at_ms) => tokio::time::sleep(Duration::from_millis(at_ms.saturating_sub(self.now_ms()))).await,
        }
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        None => std::future::pending().await,
        Some(at) => tokio::time::sleep_until(at).await,
    }
}

fn heads(summary: LogSummary) -> Heads {
    Heads { stdout: summary.stdout_head.into_inner(), stderr: summary.stderr_head.into_inner() }
}

/// The word that output is filed under.
pub fn purpose_word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Preview => "preview",
        Purpose::Guard(_) => "guard",
        Purpose::Main => "main",
        Purpose::Verify => "verify",
        Purpose::Undo => "undo",
    }
}
