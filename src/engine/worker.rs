//! One task a live run: takes what comes, decides, stores, performs. The order is the promise of the product.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::Shared;
use super::ask::{ActError, with_causes};
use super::attempt::{AttemptTask, Road};
use super::codec::encoded;
use super::live::{Live, Message, Seen, Told, row};
use super::look::{Question, look_around};
use super::secrets::RunSecrets;
use super::stopping::{Stopped, release_on, stop_once, told_without_follower};
use crate::entropy;
use crate::id::{AttemptId, HostName, RunId, StepId, UserName, ValueName};
use crate::redact::SecretText;
use crate::run::action::{Action, Effect, Input, Refusal};
use crate::run::decide::{Decision, decide};
use crate::run::event::Event;
use crate::run::picture::picture;
use crate::run::state::State;
use crate::run::wake::wake_at;
use crate::store::output::WholeOutput;
use crate::store::run_log::{AppendError, StoredEvent};
use crate::transport::{AttemptKey, TransportError};

/// Messages decided together are stored in one transaction; more wait for the next.
const BATCH_MAX: usize = 256;

/// The wall clock may be set while we sleep: look at it again after this long at most.
const NAP_MAX_MS: u64 = 30_000;

/// Between two ticks of which the first changed nothing although something was due.
const IDLE_NAP_MS: u64 = 1_000;

/// Between two tries to store what the disk or the database refused.
pub(super) const STORE_AGAIN: Duration = Duration::from_secs(1);

/// Between two tries to stop what cannot be reached.
const STOP_AGAIN: Duration = Duration::from_secs(2);

/// Attempts whose output is dropped on the host in one call.
const RELEASE_BATCH: usize = 20;

/// The task of one run.
pub struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) run: RunId,
    pub(super) state: State,
    pub(super) epoch: u64,
    secrets: Arc<RunSecrets>,
    inbox: mpsc::Receiver<Message>,
    sender: mpsc::Sender<Message>,
    seen: watch::Sender<Seen>,
    hint: watch::Sender<u64>,
    proving: HashSet<HostName>,
    /// The look that is under way or due, and when it is.
    looking: Option<Looking>,
    stopping: HashSet<AttemptId>,
    /// A task tries to take the locks of the run.
    awaits_locks: bool,
    /// Attempts whose output is stored, by where they ran.
    releasable: HashMap<HostName, Vec<AttemptKey>>,
}

struct Looking {
    due_ms: u64,
    task: tokio::task::AbortHandle,
}

/// Whether the task goes on.
#[derive(PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    End,
}

type Reply = (oneshot::Sender<Result<Told, ActError>>, Option<String>);

impl Worker {
    /// Begins the task of a run at this state; `first` are its first inputs, which are decided together.
    pub fn spawn(
        shared: &Arc<Shared>,
        state: State,
        epoch: u64,
        secrets: Vec<(ValueName, SecretText)>,
        first: Vec<Input>,
    ) {
        let run = state.run;
        let (sender, inbox) = mpsc::channel(super::live::INBOX_MAX);
        let (seen, seen_by_all) = watch::channel(Seen { state: Arc::new(state.clone()), stalled: None });
        let hint = watch::Sender::new(0);
        shared.live().insert(run, Live { inbox: sender.clone(), seen: seen_by_all, hint: hint.clone() });
        let worker = Self {
            shared: shared.clone(),
            run,
            state,
            epoch,
            secrets: Arc::new(RunSecrets::new(secrets)),
            inbox,
            sender,
            seen,
            hint,
            proving: HashSet::new(),
            looking: None,
            stopping: HashSet::new(),
            awaits_locks: false,
            releasable: HashMap::new(),
        };
        shared.tasks.spawn(worker.work(first));
    }

    async fn work(mut self, first: Vec<Input>) {
        let mut next = self.turn(first.into_iter().map(Message::Input).collect()).await;
        let draining = self.shared.draining.clone();
        // The last event when a tick changed nothing: what is due waits for a person or a look, and is not asked about
        // without a pause.
        let mut idle_at_seq = None;
        while next == Next::GoOn {
            let nap_ms = if idle_at_seq == Some(self.state.seq) { IDLE_NAP_MS } else { 0 };
            let mut ticked_at_seq = None;
            let message = tokio::select! {
                biased;
                () = draining.cancelled() => break,
                message = self.inbox.recv() => message,
                () = nap(&self.shared, wake_at(&self.state), nap_ms) => {
                    let now_ms = self.shared.clock.wall_ms();
                    let is_due = wake_at(&self.state).is_some_and(|at_ms| at_ms <= now_ms);
                    ticked_at_seq = is_due.then_some(self.state.seq);
                    Some(Message::Input(Input::Tick))
                }
            };
            idle_at_seq = ticked_at_seq;
            let Some(message) = message else { break };
            let mut messages = vec![message];
            while messages.len() < BATCH_MAX
                && !matches!(messages.last(), Some(Message::Join(_)))
                && let Ok(message) = self.inbox.try_recv()
            {
                messages.push(message);
            }
            let joining = match messages.pop() {
                Some(Message::Join(joining)) => Some(joining),
                last => {
                    messages.extend(last);
                    None
                }
            };
            next = if messages.is_empty() { Next::GoOn } else { self.turn(messages).await };
            if let Some(joining) = joining.filter(|_| next == Next::GoOn) {
                next = self.join(joining).await;
            }
        }
    }

    /// Decides everything that came, stores it in one transaction, performs what follows, answers.
    async fn turn(&mut self, messages: Vec<Message>) -> Next {
        let mut events: Vec<StoredEvent> = Vec::new();
        let mut effects = Vec::new();
        let mut replies: Vec<Reply> = Vec::new();
        let mut outputs: Vec<WholeOutput> = Vec::new();
        for message in messages {
            let decided = match message {
                Message::Input(input) => {
                    self.note(&input);
                    self.decide(&input).ok()
                }
                Message::Ask { request, secrets, reply } => self.decide_request(request, secrets, reply, &mut replies),
                Message::Attempt { attempt, report, output } => {
                    outputs.extend(output.map(|output| *output));
                    self.decide(&Input::Attempt { attempt, report }).ok()
                }
                Message::Storage(stalled) => {
                    self.seen.send_modify(|seen| seen.stalled = stalled);
                    None
                }
                // Comes alone: see `work`.
                Message::Join(_) => None,
            };
            if let Some((decision, now_ms)) = decided {
                events.extend(decision.events.iter().map(|event| encoded(event, now_ms)));
                effects.extend(decision.effects);
                log_events(self.run, &decision.events);
                self.state = decision.state;
            }
        }
        let nothing_new = events.is_empty() && outputs.is_empty();
        if !nothing_new && self.store(&events, &outputs).await == Next::End {
            return Next::End;
        }
        self.publish();
        for effect in effects {
            self.perform(effect);
        }
        for (reply, notice) in replies {
            // Nobody may wait for the answer any more; what was decided stands.
            let _ = reply.send(Ok(Told { view: picture(&self.state), notice }));
        }
        if self.state.ended.is_some() { Next::End } else { Next::GoOn }
    }

    pub(super) fn decide(&self, input: &Input) -> Result<(Decision, i64), Refusal> {
        let now_ms = self.shared.clock.wall_ms();
        let mut fresh_id = || entropy::fresh_attempt_id(now_ms);
        decide(&self.state, input, now_ms, &mut fresh_id).map(|decision| (decision, now_ms))
    }

    fn decide_request(
        &mut self,
        request: crate::run::action::Request,
        secrets: Vec<(ValueName, SecretText)>,
        reply: oneshot::Sender<Result<Told, ActError>>,
        replies: &mut Vec<Reply>,
    ) -> Option<(Decision, i64)> {
        let supplies = matches!(request.action, Action::SupplySecrets);
        let missing = self.state.plan.secrets.iter().find(|name| !secrets.iter().any(|(given, _)| given == *name));
        let decided = match missing.filter(|_| supplies) {
            Some(name) => Err(Refusal::Wrong(format!("the secret input {name} is missing"))),
            None => self.decide(&Input::Person(request)),
        };
        match decided {
            Ok((decision, now_ms)) => {
                if supplies {
                    self.secrets.give(secrets);
                }
                replies.push((reply, decision.notice.clone()));
                Some((decision, now_ms))
            }
            Err(refusal) => {
                // Nobody may wait for the answer any more; nothing has happened.
                let _ = reply.send(Err(refusal.into()));
                None
            }
        }
    }

    fn note(&mut self, input: &Input) {
        match input {
            Input::HostProven { host, .. } | Input::HostRefused { host, .. } | Input::HostUnreachable { host, .. } => {
                self.proving.remove(host);
            }
            Input::Surroundings(_) => self.looking = None,
            Input::LockAway(_) => self.take_locks_again(),
            Input::LocksTaken => self.awaits_locks = false,
            Input::Begin | Input::Restarted | Input::Tick | Input::Person(_) | Input::Attempt { .. } => {}
        }
    }

    /// Stores the events. Nothing follows from them before this returns.
    async fn store(&mut self, events: &[StoredEvent], outputs: &[WholeOutput]) -> Next {
        let expected = self.state.seq - events.len() as u64;
        let row = row(self.run, &self.state);
        loop {
            let store = &self.shared.store;
            match store.append_with_outputs(self.run, expected, Some(self.epoch), events, &row, outputs).await {
                Ok(_) => {
                    self.seen.send_modify(|seen| seen.stalled = None);
                    return Next::GoOn;
                }
                Err(AppendError::Store(error)) => {
                    tracing::error!(run.id = %self.run, %error, "the run waits: its events cannot be stored");
                    self.seen.send_modify(|seen| seen.stalled = Some(with_causes(&error)));
                    self.hint.send_modify(|count| *count += 1);
                    tokio::select! {
                        () = self.shared.draining.cancelled() => return Next::End,
                        () = tokio::time::sleep(STORE_AGAIN) => {}
                    }
                }
                Err(
                    error @ (AppendError::Stale { .. }
                    | AppendError::Fenced { .. }
                    | AppendError::TooMany { .. }
                    | AppendError::LockHeld { .. }),
                ) => {
                    tracing::error!(run.id = %self.run, %error, "this engine lets go of the run");
                    return Next::End;
                }
            }
        }
    }

    pub(super) fn publish(&self) {
        let state = Arc::new(self.state.clone());
        self.seen.send_modify(|seen| seen.state = state);
        self.hint.send_modify(|count| *count += 1);
    }

    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Prove { host } => self.prove(host),
            Effect::Start { attempt } => self.carry(attempt, Road::Start, Duration::ZERO),
            Effect::Attend { attempt, after } => self.carry(attempt, Road::TakeUp, after),
            Effect::Stop { attempt, grace } => self.stop(attempt, grace),
            Effect::Release { attempt } => self.release(attempt),
            Effect::LookAround { step, seq, after } => self.look_around(step, seq, after),
            Effect::Close => self.close(),
        }
    }

    fn prove(&mut self, host: HostName) {
        let Some(target) = self.state.plan.target(&host).cloned() else {
            return;
        };
        if !self.proving.insert(host.clone()) {
            return;
        }
        let accounts = self.accounts(&host);
        let (shared, run, sender) = (self.shared.clone(), self.run, self.sender.clone());
        self.shared.tasks.spawn(async move {
            let _turn = shared.connecting.acquire().await;
            let proven = tokio::select! {
                () = shared.draining.cancelled() => return,
                proven = shared.transport.prove(run, &target, &accounts) => proven,
            };
            let input = match proven {
                Ok(facts) => Input::HostProven { host, facts },
                Err(TransportError::Refused { reason, next_step, .. }) => {
                    Input::HostRefused { host, reason, next_step }
                }
                Err(TransportError::Unreachable { reason, .. } | TransportError::NotBegun { reason, .. }) => {
                    Input::HostUnreachable { host, reason }
                }
            };
            // A closed inbox means that the run has ended.
            let _ = sender.send(Message::Input(input)).await;
        });
    }

    /// One look at a time. One that is asked for while another is under way comes by itself: what the other brings is
    /// then too old, and the next decision asks again.
    fn look_around(&mut self, step: StepId, seq: u64, after: Duration) {
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let due_ms = self.shared.clock.monotonic_ms().saturating_add(after_ms);
        if let Some(looking) = self.looking.take_if(|looking| looking.due_ms > due_ms) {
            looking.task.abort();
        }
        if self.looking.is_some() {
            return;
        }
        let secrets = if self.state.secrets_missing { Vec::new() } else { self.secrets.given_names() };
        let question = Question::new(&self.state, step, seq, secrets);
        let (shared, sender) = (self.shared.clone(), self.sender.clone());
        let task = self.shared.tasks.spawn(async move {
            let look = tokio::select! {
                () = shared.draining.cancelled() => return,
                look = async {
                    shared.clock.sleep_until(due_ms).await;
                    look_around(&shared, question).await
                } => look,
            };
            // A closed inbox means that the run has ended.
            let _ = sender.send(Message::Input(Input::Surroundings(Box::new(look)))).await;
        });
        self.looking = Some(Looking { due_ms, task: task.abort_handle() });
    }

    /// Tries to take the locks that another run holds, until it has them.
    fn take_locks_again(&mut self) {
        if !std::mem::replace(&mut self.awaits_locks, true) {
            let wait = super::locks::wait_for_locks(
                self.shared.clone(),
                self.state.plan.clone(),
                (self.run, self.epoch),
                self.sender.clone(),
            );
            self.shared.tasks.spawn(wait);
        }
    }

    /// The accounts that steps on this host run as.
    fn accounts(&self, host: &HostName) -> Vec<UserName> {
        let plan = &self.state.plan;
        let on_host = plan.steps.iter().filter(|step| match &step.delegate_to {
            Some(delegate) => delegate == host,
            None => plan.host_index(host).is_some(),
        });
        let mut accounts: Vec<UserName> = on_host.filter_map(|step| step.surroundings.run_as.clone()).collect();
        accounts.sort();
        accounts.dedup();
        accounts
    }

    fn carry(&self, attempt: AttemptId, road: Road, after: Duration) {
        let Some(known) = self.state.attempts.get(&attempt) else {
            return;
        };
        let task = AttemptTask {
            shared: self.shared.clone(),
            run: self.run,
            epoch: self.epoch,
            state: self.seen.borrow().state.clone(),
            attempt: known.clone(),
            secrets: self.secrets.clone(),
            sender: self.sender.clone(),
            hint: self.hint.clone(),
        };
        self.shared.tasks.spawn(task.carry(road, after));
    }

    fn key_of(&self, attempt: AttemptId) -> Option<(HostName, AttemptKey)> {
        let plan = &self.state.attempts.get(&attempt)?.plan;
        let step = self.state.plan.step_index(&plan.step)?;
        let run_as = self.state.plan.steps[step].surroundings.run_as.clone();
        Some((plan.runs_on.clone(), AttemptKey { attempt, run_as }))
    }

    fn stop(&mut self, attempt: AttemptId, grace: Duration) {
        let Some((host, key)) = self.key_of(attempt) else {
            return;
        };
        let Some(target) = self.state.plan.target(&host).cloned() else {
            return;
        };
        if !self.stopping.insert(attempt) {
            return;
        }
        let (shared, run, sender, seen) = (self.shared.clone(), self.run, self.sender.clone(), self.seen.subscribe());
        let secrets = self.secrets.clone();
        self.shared.tasks.spawn(async move {
            let over =
                || seen.borrow().state.attempts.get(&attempt).is_none_or(crate::run::state::AttemptState::is_over);
            while !over() {
                let report = match stop_once(&shared, run, &target, &key, grace).await {
                    Ok(Stopped::Say(report)) => Some(report),
                    Ok(Stopped::Done(exit)) => told_without_follower(&seen.borrow().state, &secrets, attempt, exit),
                    Err(error) => {
                        tracing::warn!(run.id = %run, %host, %attempt, %error, "cannot stop the command yet");
                        None
                    }
                };
                if let Some(report) = report {
                    // A closed inbox means that the run has ended.
                    let _ = sender.send(Message::Input(Input::Attempt { attempt, report })).await;
                }
                tokio::select! {
                    () = shared.draining.cancelled() => return,
                    () = tokio::time::sleep(STOP_AGAIN) => {}
                }
            }
        });
    }

    fn release(&mut self, attempt: AttemptId) {
        self.stopping.remove(&attempt);
        let Some((host, key)) = self.key_of(attempt) else {
            return;
        };
        let waiting = self.releasable.entry(host.clone()).or_default();
        waiting.push(key);
        if waiting.len() >= RELEASE_BATCH {
            let keys = std::mem::take(waiting);
            let work = release_on(self.shared.clone(), self.run, self.state.clone(), host, keys);
            self.shared.tasks.spawn(work);
        }
    }

    fn close(&mut self) {
        let (shared, run, state) = (self.shared.clone(), self.run, self.state.clone());
        let releasable = std::mem::take(&mut self.releasable);
        self.shared.tasks.spawn(async move {
            for (host, keys) in releasable {
                release_on(shared.clone(), run, state.clone(), host, keys).await;
            }
            shared.transport.close(run).await;
        });
    }
}

/// Whatever ends the task, a bug included, nobody waits for a run that is not carried on.
impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.live().remove(&self.run);
        self.hint.send_modify(|count| *count += 1);
    }
}

/// Sleeps until the run wants to be looked at; for ever if only a person or a host can go on.
async fn nap(shared: &Shared, wake_at_ms: Option<i64>, nap_ms: u64) {
    match wake_at_ms {
        None => std::future::pending().await,
        Some(at_ms) => {
            let left_ms = u64::try_from(at_ms.saturating_sub(shared.clock.wall_ms())).unwrap_or(0);
            let left_ms = left_ms.max(nap_ms).min(NAP_MAX_MS);
            shared.clock.sleep_until(shared.clock.monotonic_ms().saturating_add(left_ms)).await;
        }
    }
}

fn log_events(run: RunId, events: &[Event]) {
    for event in events {
        match event {
            Event::RunEnded { end, why } => tracing::info!(run.id = %run, ?end, why, "the run ended"),
            Event::RunPaused { why, .. } => tracing::info!(run.id = %run, ?why, "the run paused"),
            _ => {}
        }
    }
}
