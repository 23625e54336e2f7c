//! What a person, the host side or the clock brings to a run, and what follows for the world.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{AttemptId, HostName, StepId, ValueName};
use crate::run::approval::{Credentials, Look};
use crate::run::event::{Actor, Resolution};
use crate::run::outcome::{Exit, GoneBecause, HostFacts};
use crate::run::state::LockAway;

/// Everything that can come to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The run was just started: its first effects are due.
    Begin,
    /// The server has restarted and replayed the run.
    Restarted,
    /// Another run holds a lock of this one.
    LockAway(LockAway),
    /// The run holds all its locks.
    LocksTaken,
    /// Time went by; due at [`crate::run::state::State::wake_at`].
    Tick,
    Person(Request),
    HostProven {
        host: HostName,
        facts: HostFacts,
    },
    HostRefused {
        host: HostName,
        reason: String,
        next_step: String,
    },
    HostUnreachable {
        host: HostName,
        reason: String,
    },
    Attempt {
        attempt: AttemptId,
        report: Report,
    },
    /// What an [`Effect::LookAround`] found.
    Surroundings(Box<Look>),
}

/// What the transport says of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    Running,
    Unreachable(String),
    Ended(Exit, Heads),
    Gone(GoneBecause),
    Lost,
    /// Certainly never ran and never will.
    DidNotRun(String),
    /// The host confirmed that the group is gone and left no result.
    Stopped,
    StopFailed,
    /// `attach: direct` and the connection is lost.
    DirectLost,
}

/// So much of each stream is known to decisions.
pub const HEAD_BYTES: usize = 64 * 1024;

/// The first 64 KiB of each stream, redacted, for captures and conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    pub stdout: String,
    pub stderr: String,
}

/// What a person asks for, and the last event they had seen when they did.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub by: Actor,
    /// What is known about the person who asks.
    pub who: Credentials,
    pub seen_seq: u64,
    pub action: Action,
}

/// The verbs of the page, the API and the command line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Lets the current wave of a step go on; `typed` is what the gesture asks for.
    Confirm {
        step: StepId,
        typed: Option<String>,
    },
    /// Answers a manual step's questions; texts are checked against the step's `ask`.
    Answer {
        step: StepId,
        values: BTreeMap<ValueName, String>,
        note: Option<String>,
    },
    /// A manual step without questions is done.
    Done {
        step: StepId,
        note: Option<String>,
    },
    /// Tries failed, timed out or cancelled hosts again; all of them unless said.
    Retry {
        step: StepId,
        #[serde(default)]
        hosts: Vec<HostName>,
    },
    /// Goes on without the step on these hosts; all unfinished ones unless said.
    Skip {
        step: StepId,
        #[serde(default)]
        hosts: Vec<HostName>,
        reason: String,
    },
    Resolve {
        step: StepId,
        host: HostName,
        resolution: Resolution,
        note: String,
    },
    /// Stops running commands of the step and pauses.
    Stop {
        step: StepId,
        #[serde(default)]
        hosts: Vec<HostName>,
        reason: String,
    },
    Pause,
    Resume,
    /// Stops everything and ends the run.
    Abort {
        reason: String,
    },
    TakeWheel,
    /// The run goes on without this host.
    DropHost {
        host: HostName,
        reason: String,
    },
    /// Secret values were supplied again (they themselves never come here).
    SupplySecrets,
    /// Takes back what was done, newest first.
    Undo {
        reason: String,
    },
    /// A manual undo was done.
    UndoDone {
        step: StepId,
        note: Option<String>,
    },
    /// Gives one's word for what is asked; at the step that waits unless said.
    Approve {
        #[serde(default)]
        step: Option<StepId>,
        #[serde(default)]
        note: Option<String>,
    },
    /// Says no, and why: the run pauses.
    Reject {
        #[serde(default)]
        step: Option<StepId>,
        reason: String,
    },
    /// Takes back one's word, or one's request.
    Withdraw {
        #[serde(default)]
        step: Option<StepId>,
    },
    /// Asks once more after a no, or when time or the world has moved on.
    AskAgain {
        #[serde(default)]
        step: Option<StepId>,
    },
    /// Goes on with the step against its windows.
    OverrideWindow {
        step: StepId,
        reason: String,
    },
}

impl Action {
    /// Whether it answers a request for approval: another right than that of working the run.
    pub fn is_answer_to_approval(&self) -> bool {
        matches!(self, Self::Approve { .. } | Self::Reject { .. })
    }

    /// Whether it is about an approval in any way.
    pub fn is_about_approval(&self) -> bool {
        self.is_answer_to_approval() || matches!(self, Self::Withdraw { .. })
    }
}

/// What is to be done in the world, after the events are stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Prove {
        host: HostName,
    },
    /// Start a new attempt and follow it.
    Start {
        attempt: AttemptId,
    },
    /// Take up an attempt that may or may not have been started, after a while.
    Attend {
        attempt: AttemptId,
        after: Duration,
    },
    /// End it: void if it has not begun, else TERM, grace, KILL.
    Stop {
        attempt: AttemptId,
        grace: Duration,
    },
    /// Drop its output on the host: all of it is stored.
    Release {
        attempt: AttemptId,
    },
    /// Read what an approval is bound to and which windows are closed, after a while; comes back as
    /// [`Input::Surroundings`]. One at a time: the sooner one counts.
    LookAround {
        step: StepId,
        seq: u64,
        after: Duration,
    },
    /// Nothing more will come: close connections.
    Close,
}

/// Why a request was not followed. Nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The page was out of date.
    #[error("the run has moved on since you looked (you saw event {seen}, the step changed at {now})")]
    Stale { seen: u64, now: u64 },
    #[error("confirm who you are again (at /account/confirm): approving takes a login within the last 15 minutes")]
    ConfirmWhoYouAre,
    #[error("{0}")]
    NotNow(String),
    #[error("{0}")]
    Wrong(String),
}
