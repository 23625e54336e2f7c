//! What the engine holds of a run that has not ended.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::Shared;
use super::ask::ActError;
use super::policy::scope_of;
use crate::id::{AttemptId, RunId, ValueName};
use crate::redact::SecretText;
use crate::run::action::{Input, Report, Request};
use crate::run::event::Actor;
use crate::run::picture::{picture, progress};
use crate::run::state::State;
use crate::run::view::{Need, RunStateName, RunView};
use crate::store::output::WholeOutput;
use crate::store::run_log::RunPart;
use crate::store::runs::RunRow;

/// Room for what comes to one run. Hosts report a few times an attempt; past this they wait.
pub const INBOX_MAX: usize = 1024;

/// The handle to a run's task.
#[derive(Clone)]
pub struct Live {
    pub inbox: mpsc::Sender<Message>,
    pub seen: watch::Receiver<Seen>,
    /// Counts up when events or output were stored: a hint to look, nothing more.
    pub hint: watch::Sender<u64>,
}

/// What anyone may see of a live run.
#[derive(Clone)]
pub struct Seen {
    pub state: Arc<State>,
    /// Why nothing can be stored now.
    pub stalled: Option<String>,
}

/// What comes to a run's task.
pub enum Message {
    Input(Input),
    Ask {
        request: Request,
        secrets: Vec<(ValueName, SecretText)>,
        reply: oneshot::Sender<Result<Told, ActError>>,
    },
    /// What a host says of an attempt; with all of its output where that is little and not stored yet.
    Attempt {
        attempt: AttemptId,
        report: Report,
        output: Option<Box<WholeOutput>>,
    },
    /// An attempt's output cannot be stored, or can be again.
    Storage(Option<String>),
    /// The wheel is to pass in a transaction that is more than this run's.
    Join(Joining),
}

/// A wish that the wheel goes from one to another, together with something else.
pub struct Joining {
    pub from: Actor,
    pub to: Actor,
    /// None: the wheel stays where it is.
    pub reply: oneshot::Sender<Option<Joined>>,
}

/// A task's part of a transaction. It waits for `settle`, and looks into the store if that never comes.
pub struct Joined {
    pub part: RunPart,
    /// Whether the part is stored.
    pub settle: oneshot::Sender<bool>,
}

/// The answer to a request that was followed.
pub struct Told {
    pub view: RunView,
    /// What to say although something happened.
    pub notice: Option<String>,
}

impl Seen {
    /// The picture, with what stands in the way of storing.
    pub fn view(&self) -> RunView {
        let mut view = picture(&self.state);
        if let Some(reason) = self.stalled.clone().filter(|_| self.state.ended.is_none()) {
            view.state = RunStateName::Paused;
            view.waiting = Some(Need::Storage { reason });
        }
        view
    }
}

/// The row that lists show.
pub fn row(run: RunId, state: &State) -> RunRow {
    let view = picture(state);
    let (done, total) = progress(state);
    RunRow {
        id: run,
        runbook: state.plan.runbook.clone(),
        title: state.plan.title.clone(),
        commit: state.plan.commit.clone(),
        state: state_word(view.state).to_owned(),
        waiting: view.waiting.as_ref().map(crate::run::words::waiting),
        started_by: state.started_by.to_string(),
        started_at_ms: state.started_at_ms,
        ended_at_ms: state.ended.as_ref().map(|ended| ended.at_ms),
        hosts: state.plan.hosts.iter().map(|host| host.name.clone()).collect(),
        scope: serde_json::to_string(&scope_of(&state.plan)).expect("a scope is plain data"),
        last_seq: state.seq,
        step_done: u32::try_from(done).unwrap_or(u32::MAX),
        step_total: u32::try_from(total).unwrap_or(u32::MAX),
    }
}

/// The word of the API.
pub fn state_word(state: RunStateName) -> &'static str {
    match state {
        RunStateName::Running => "running",
        RunStateName::Waiting => "waiting",
        RunStateName::Paused => "paused",
        RunStateName::Succeeded => "succeeded",
        RunStateName::Failed => "failed",
        RunStateName::Aborted => "aborted",
    }
}

impl Shared {
    /// The handle to a live run.
    pub fn live_run(&self, run: RunId) -> Option<Live> {
        self.live().get(&run).cloned()
    }
}
