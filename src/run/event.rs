//! What happened in a run, in the past tense. Each event is stored before anything follows from it.
//!
//! Events are a stored format: they carry [`EVENT_VERSION`] in the store, and `tests/fixtures/events` holds
//! one of each kind that must still load.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{AttemptId, Digest, HostName, RunId, StepId, ValueName};
use crate::run::approval::{Binding, ClosedWindow};
use crate::run::outcome::HostFacts;
use crate::run::plan::Plan;
use crate::runbook::model::Value;

/// The version of the stored form of events.
pub const EVENT_VERSION: u32 = 1;

/// Who did something: `user:anna`, `user:anna/ci` by her token `ci`, `token:ci` by one that belongs to nobody. Shown
/// as it is. The name of an account never changes, so it stands for the person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    /// The person behind it: whoever uses a token is the token's owner. Compared wherever two people must differ.
    pub fn person(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(person, _token)| person)
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    RunStarted {
        run: RunId,
        plan: Box<Plan>,
        digest: Digest,
        by: Actor,
    },
    /// The host is the one meant, and the accounts that the run needs can be used.
    HostProven {
        host: HostName,
        facts: HostFacts,
    },
    /// The host is not the one meant, or may not be used; nothing was run on it.
    HostRefused {
        host: HostName,
        reason: String,
        next_step: String,
    },
    /// The host did not answer while it was to be proven.
    HostUnreachable {
        host: HostName,
        reason: String,
    },
    /// The run goes on without this host.
    HostDropped {
        host: HostName,
        why: DropReason,
    },
    /// The step became the current one.
    StepEntered {
        step: StepId,
    },
    StepSkipped {
        step: StepId,
        hosts: Vec<HostName>,
        why: SkipReason,
    },
    /// A person let the hosts of a wave go on.
    StepConfirmed {
        step: StepId,
        hosts: Vec<HostName>,
        by: Actor,
        typed: Option<String>,
    },
    /// A person did a manual step; `values` are the answers.
    StepAnswered {
        step: StepId,
        by: Actor,
        values: BTreeMap<ValueName, Value>,
        note: Option<String>,
    },
    /// A `wait` began.
    WaitStarted {
        step: StepId,
        until_ms: i64,
    },
    /// A command is about to be run. Stored before the host is touched.
    AttemptPlanned(AttemptPlan),
    /// The host said that the command runs.
    AttemptRunning {
        attempt: AttemptId,
    },
    AttemptUnreachable {
        attempt: AttemptId,
        reason: String,
    },
    /// Its time is over: it is being stopped.
    AttemptOverdue {
        attempt: AttemptId,
    },
    /// The host says that it still runs after KILL.
    AttemptStopFailed {
        attempt: AttemptId,
    },
    AttemptEnded {
        attempt: AttemptId,
        ending: Ending,
    },
    /// A preview was made; `output` is a digest of what it shows.
    StepPreviewed {
        step: StepId,
        host: HostName,
        output: Digest,
    },
    /// This many guards of the step hold now.
    GuardHeld {
        step: StepId,
        host: HostName,
        guard: usize,
    },
    /// The command did what it should; `verify` follows.
    StepWorked {
        step: StepId,
        host: HostName,
    },
    /// The change does not show yet: looked at again then.
    VerifyPostponed {
        step: StepId,
        host: HostName,
        at_ms: i64,
        why: String,
    },
    /// What was read from the output.
    ValuesCaptured {
        step: StepId,
        host: HostName,
        values: BTreeMap<ValueName, Value>,
    },
    /// The step will be tried again on this host.
    RetryScheduled {
        step: StepId,
        host: HostName,
        at_ms: i64,
        why: String,
    },
    StepFinished {
        step: StepId,
        host: HostName,
        result: StepResult,
    },
    /// A person asked for failed hosts to be tried again.
    RetryRequested {
        step: StepId,
        hosts: Vec<HostName>,
        by: Actor,
    },
    /// A person said what became of an unknown outcome.
    UnknownResolved {
        step: StepId,
        host: HostName,
        resolution: Resolution,
        note: String,
        by: Actor,
    },
    RunPaused {
        why: PauseReason,
        by: Option<Actor>,
    },
    RunResumed {
        by: Option<Actor>,
    },
    StopRequested {
        attempts: Vec<AttemptId>,
        then: AfterStop,
        why: String,
        by: Actor,
    },
    WheelTaken {
        by: Actor,
        from: Actor,
    },
    /// Secret values live in the server's memory only; a restart lost them.
    SecretsLost,
    SecretsSupplied {
        by: Actor,
    },
    /// Another run holds a lock of this one, as a restart found: nothing begins until it is free.
    LockLost {
        lock: String,
        host: HostName,
        holder: RunId,
        since_ms: i64,
    },
    /// The run holds all its locks again.
    LocksTaken,
    UndoStarted {
        steps: Vec<StepId>,
        by: Option<Actor>,
    },
    /// One step was taken back on one host, or could not be; `by` did a manual one.
    UndoFinished {
        step: StepId,
        host: HostName,
        result: StepResult,
        by: Option<Actor>,
    },
    /// A step waits for the word of others; what they say is bound to what is so now.
    ApprovalRequested {
        step: StepId,
        hosts: Vec<HostName>,
        by: Actor,
        binding: Box<Binding>,
        expires_at_ms: i64,
    },
    ApprovalGiven {
        step: StepId,
        by: Actor,
        note: Option<String>,
    },
    ApprovalRejected {
        step: StepId,
        by: Actor,
        reason: String,
    },
    /// Whoever gave their word may not give it any more (the account is disabled, no grant is left): it counts no more.
    ApprovalLapsed {
        step: StepId,
        by: Actor,
        why: String,
    },
    ApprovalWithdrawn {
        step: StepId,
        by: Actor,
    },
    /// Nobody used it in time.
    ApprovalExpired {
        step: StepId,
    },
    /// The world is no longer what was approved: what changed.
    ApprovalVoided {
        step: StepId,
        what: Vec<String>,
    },
    /// Stored with the attempts that it lets begin; it lets nothing begin again.
    ApprovalUsed {
        step: StepId,
        hosts: Vec<HostName>,
    },
    /// The driver wants to ask once more.
    ApprovalAskedAgain {
        step: StepId,
        by: Actor,
    },
    /// Windows forbid changes now: the step waits.
    StepHeld {
        step: StepId,
        windows: Vec<ClosedWindow>,
    },
    StepFreed {
        step: StepId,
    },
    /// A person lets the step go on against its windows.
    WindowOverridden {
        step: StepId,
        by: Actor,
        reason: String,
    },
    RunEnded {
        end: RunEnd,
        why: String,
    },
}

/// Everything that fixes one attempt, but for secret values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptPlan {
    pub attempt: AttemptId,
    pub step: StepId,
    /// The target whose step this is.
    pub host: HostName,
    /// Where it runs; other than `host` when delegated.
    pub runs_on: HostName,
    pub purpose: Purpose,
    /// From 1, for this step on this host.
    pub number: u32,
    /// SHA-256 of the whole script, values included, secrets not.
    pub script_digest: Digest,
    /// The values in its preamble.
    pub values: BTreeMap<ValueName, Value>,
    /// From the moment it runs.
    pub timeout_ms: u64,
}

/// What an attempt is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Preview,
    /// The guard at this position.
    Guard(usize),
    /// The step's own command.
    Main,
    Verify,
    Undo,
}

/// How an attempt ended. Unknown is an answer of its own, never a guess.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Exited(i32),
    Killed(i32),
    /// Over its time; the host confirmed that the group is gone.
    TimedOut,
    /// Stopped by a person; the host confirmed that the group is gone.
    Cancelled,
    /// Certainly never ran.
    DidNotRun(String),
    /// The connection ended, as the step expects.
    Disconnected,
    Unknown(UnknownBecause),
}

/// Why nobody can say what became of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownBecause {
    RunnerDied,
    HostRebooted,
    /// Its directory on the host is gone.
    EvidenceGone,
    Unreachable(String),
    /// `attach: direct` and the connection was lost.
    NoTether,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    Succeeded,
    Failed(Failure),
    TimedOut,
    Cancelled,
    Unknown(UnknownBecause),
}

/// Why a step failed on a host. `text` is for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    pub because: FailedBecause,
    pub text: String,
    /// The author's `else`, rendered.
    pub advice: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedBecause {
    /// The guard at this position did not hold: the step did not run.
    Guard(usize),
    Exit(i32),
    Killed(i32),
    /// The command ran, its `expect` did not hold.
    Expect,
    Capture,
    Verify,
    /// The condition or template could not be evaluated.
    Evaluation,
    /// The host could not begin it: it did not run.
    DidNotRun,
    /// A person's answer did not satisfy `expect`.
    Answer,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The step's `if` did not hold.
    Condition(String),
    Person {
        by: Actor,
        why: String,
    },
    /// Done in the run that this one continues.
    DoneIn(RunId),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// `on_failure: skip_host` at this step.
    Failed(StepId),
    Person {
        by: Actor,
        why: String,
    },
}

/// A person's word on an unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    Completed,
    /// A new attempt follows.
    DidNotRun,
    /// Goes on, with a note.
    Partly,
    /// The run stops here.
    Stop,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    Person,
    StepFailed(StepId),
    HostsUnreachable(Vec<HostName>),
    SecretsLost,
    /// A person stopped commands of a step.
    Stopped(StepId),
    UndoFailed(StepId),
    /// A person who was asked to approve the step said no.
    ApprovalRejected(StepId),
    /// What must be looked at right before a step cannot be read.
    CannotLook(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterStop {
    /// The run ends as aborted.
    End,
    /// The run pauses.
    Pause,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    Succeeded,
    Failed,
    /// A guard, a precondition or a host's identity refused it before anything changed.
    Refused,
    Aborted,
}
