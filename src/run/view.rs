//! A run as people see it: one plain picture for the page, the API and the terminal.
//!
//! Made from the state alone, so that every viewer shows the same, live or reopened tomorrow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{AttemptId, HostName, RunId, StepId};
use crate::run::approval::ClosedWindow;
use crate::run::approval_view::ApprovalView;
use crate::run::event::{Actor, PauseReason, Purpose, RunEnd};
use crate::run::plan::{Gesture, Pace, Part, PlannedAsk};
use crate::runbook::model::Effect;

/// The picture of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    pub id: RunId,
    pub runbook: String,
    pub title: String,
    pub summary: String,
    pub commit: Option<String>,
    pub plan_digest: String,
    /// SHA-256 of the runbook's text.
    #[serde(default)]
    pub text_digest: String,
    pub state: RunStateName,
    /// What it waits for, in words; empty when it waits for nobody.
    pub waiting: Option<Need>,
    pub started_by: Actor,
    pub driver: Actor,
    /// The last time that the wheel changed hands.
    #[serde(default)]
    pub taken: Option<TakenView>,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
    pub ended_because: Option<String>,
    pub end: Option<RunEnd>,
    pub pace: Pace,
    pub inputs: Vec<(String, String)>,
    pub hosts: Vec<HostView>,
    /// Names that it holds on each of its hosts while it lasts.
    #[serde(default)]
    pub locks: Vec<String>,
    /// Why it was started although a guard asks for a reason.
    #[serde(default)]
    pub override_reason: Option<String>,
    /// The windows that its start went on against.
    #[serde(default)]
    pub overridden_windows: Vec<String>,
    pub steps: Vec<StepView>,
    /// The step that is worked now; none before the first and after the last.
    pub current: Option<StepId>,
    /// The last event that this picture holds.
    pub seq: u64,
    /// Whether a stop was asked for and is not over yet.
    pub stopping: bool,
}

/// The wheel went from one person to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenView {
    pub by: Actor,
    pub from: Actor,
    pub at_ms: i64,
}

/// The words of the API for a run's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStateName {
    Running,
    Waiting,
    Paused,
    Succeeded,
    Failed,
    Aborted,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostView {
    pub name: HostName,
    pub labels: BTreeMap<String, String>,
    /// `ops@10.0.0.1:22`, or `this server`.
    pub address: String,
    pub standing: HostStanding,
    /// Why it was refused, dropped or cannot be reached.
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostStanding {
    /// Not yet proven to be the one meant.
    Unproven,
    Proven,
    Refused,
    Unreachable,
    Dropped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    pub id: StepId,
    pub part: Part,
    /// From 1 among the steps; preconditions count apart.
    pub number: usize,
    pub name: String,
    pub why: Option<String>,
    pub effect: Effect,
    pub kind: StepKind,
    /// The author's command, instruction or check.
    pub body: String,
    pub critical: bool,
    pub cells: Vec<CellView>,
    /// How many hosts are in which state, for one line.
    pub state: StepStateName,
    pub started_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// What can be asked of this step now.
    pub actions: Vec<StepAction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    Check,
    Run,
    Script,
    Manual,
    Wait,
}

/// A step over all its hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStateName {
    Pending,
    Current,
    Succeeded,
    Skipped,
    Failed,
    Cancelled,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepAction {
    Confirm,
    Answer,
    Done,
    Retry,
    Skip,
    Resolve,
    Approve,
    Reject,
    Withdraw,
    AskAgain,
    OverrideWindow,
    Stop,
}

/// One step on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellView {
    /// The host, or the server for steps that run once.
    pub host: HostName,
    pub state: CellStateName,
    /// One line: `exit 1: expected used_pct >= 85`, `skipped: …`, `until 03:12:09`.
    pub detail: Option<String>,
    /// The author's `else`.
    pub advice: Option<String>,
    pub values: Vec<(String, String)>,
    /// Newest last.
    pub attempts: Vec<AttemptView>,
    pub started_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
}

/// The states of the design, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellStateName {
    Pending,
    Skipped,
    Waiting,
    Starting,
    Running,
    Unreachable,
    Succeeded,
    Failed,
    Killed,
    TimedOut,
    Cancelled,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptView {
    pub id: AttemptId,
    pub number: u32,
    pub purpose: Purpose,
    pub runs_on: HostName,
    /// `running`, `exit 0`, `killed by signal 9`, `unknown: …`.
    pub outcome: String,
    pub over: bool,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
    pub script_digest: String,
}

/// What a run waits for. Exactly one thing at a time, so that a page can make it the biggest on the screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Need {
    /// A person lets the next wave of a step go on.
    Confirm {
        step: StepId,
        gesture: Gesture,
        /// What must be typed exactly: a count, a host's name, a phrase.
        expected: Option<String>,
        hosts: Vec<HostName>,
        /// Says in words what will happen where.
        sentence: String,
        /// Attempts whose output stands above the button.
        previews: Vec<AttemptId>,
        /// The confirmation is refused after this time; a new preview follows.
        preview_stale_at_ms: Option<i64>,
    },
    /// A manual step.
    Answer { step: StepId, instruction: String, ask: Vec<PlannedAsk> },
    /// Hosts failed: retry, skip with a reason, or abort.
    Decide { step: StepId, failed: Vec<HostName> },
    /// Nobody can say what became of an attempt: a person looks and records it.
    ResolveUnknown { step: StepId, host: HostName, because: String },
    /// Hosts cannot be reached: resume tries again, or the run goes on without them.
    ReachHosts { hosts: Vec<HostName> },
    /// Secret inputs must be given again.
    Secrets { names: Vec<String> },
    /// A step is taken back by hand.
    ManualUndo { step: StepId, instruction: String },
    /// The server cannot store what arrives (a full disk); it goes on by itself when it can.
    Storage { reason: String },
    /// Others are asked to agree before the step begins.
    Approve(Box<ApprovalView>),
    /// What was asked of others came to nothing: the driver asks again, skips or aborts.
    AskAgain { step: StepId, why: String },
    /// Windows forbid changes now; it goes on by itself when they are over.
    Window { step: StepId, windows: Vec<ClosedWindow> },
    /// Another run holds a lock of this one; it goes on by itself once that is free.
    Lock {
        lock: String,
        host: HostName,
        /// None for a reader who may not see that run.
        holder: Option<RunId>,
        since_ms: i64,
    },
    /// Paused; resume or abort.
    Resume { why: PauseReason },
}
