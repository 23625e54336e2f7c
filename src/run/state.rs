//! Where a run stands: folded from its events by [`State::apply`], live and on replay alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{AttemptId, Digest, HostName, RunId, ValueName};
use crate::run::event::{
    Actor, AfterStop, AttemptPlan, DropReason, Ending, PauseReason, RunEnd, SkipReason, StepResult,
};
use crate::run::outcome::HostFacts;
use crate::run::plan::Plan;
use crate::runbook::model::Value;

/// A run at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub run: RunId,
    pub plan: Arc<Plan>,
    pub digest: Digest,
    /// The number of the last event, from 1.
    pub seq: u64,
    /// When the last event happened, milliseconds since 1970.
    pub at_ms: i64,
    pub started_by: Actor,
    pub started_at_ms: i64,
    pub driver: Actor,
    /// In the order of the plan.
    pub hosts: Vec<HostState>,
    /// In the order of the plan.
    pub steps: Vec<StepState>,
    /// The step that is worked; none while hosts are proven, and past the end.
    pub current: Option<usize>,
    pub attempts: BTreeMap<AttemptId, AttemptState>,
    pub pause: Option<Pause>,
    pub stop: Option<Stop>,
    pub undo: Option<UndoState>,
    /// Secret inputs are not in the server's memory.
    pub secrets_missing: bool,
    pub ended: Option<Ended>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HostState {
    pub name: HostName,
    pub standing: Standing,
    /// What was captured and answered so far, the newest of each name.
    pub values: BTreeMap<ValueName, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    Unproven,
    Proven(HostFacts),
    Refused { reason: String, next_step: String },
    Unreachable { reason: String, since_ms: i64, tries: u32 },
    Dropped(DropReason),
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepState {
    /// One a host in the order of the plan, or a single one for steps that run once.
    pub cells: Vec<Cell>,
    /// How many cells, from the first, a person or the pace let go on.
    pub confirmed: usize,
    /// The event that last changed what a person may do here; older requests are stale.
    pub changed_seq: u64,
    pub entered_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// A `wait` is over then.
    pub wait_until_ms: Option<i64>,
}

/// One step on one host.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub host: HostName,
    pub state: CellState,
    /// All attempts, oldest first.
    pub attempts: Vec<AttemptId>,
    /// What this step captured here.
    pub values: BTreeMap<ValueName, Value>,
    pub started_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// Attempts of the main command since a person last asked for one: counts against `retry`.
    pub tries: u32,
    /// When the first of those ended.
    pub first_try_ended_at_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum CellState {
    Pending,
    /// A preview is being made; ends in `Previewed`.
    Previewing(AttemptId),
    /// Waits for its wave to be confirmed, if it must be.
    Previewed {
        attempt: AttemptId,
        at_ms: i64,
    },
    Guarding {
        guard: usize,
        attempt: AttemptId,
    },
    /// This many guards hold; the next thing follows at once.
    Guarded(usize),
    Working(AttemptId),
    /// The command did what it should; `verify` follows.
    Worked {
        at_ms: i64,
    },
    Verifying {
        attempt: AttemptId,
        since_ms: i64,
    },
    VerifyDue {
        at_ms: i64,
        since_ms: i64,
    },
    /// Tried again then.
    RetryAt {
        at_ms: i64,
        why: String,
    },
    Skipped(SkipReason),
    Finished(StepResult),
    /// A person said it completed, wholly or in part.
    Resolved {
        partly: bool,
        note: String,
    },
}

/// An attempt from its plan to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptState {
    pub plan: AttemptPlan,
    pub planned_at_ms: i64,
    pub phase: AttemptPhase,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AttemptPhase {
    /// Its start may or may not have reached the host.
    Starting,
    Running {
        since_ms: i64,
    },
    /// Whether it had been seen running before is kept: then an absent one is lost, not unstarted.
    Unreachable {
        since_ms: i64,
        tries: u32,
        reason: String,
        seen_running: Option<i64>,
    },
    Over {
        ending: Ending,
        at_ms: i64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Pause {
    pub why: PauseReason,
    pub by: Option<Actor>,
    pub since_ms: i64,
}

/// A stop that is being carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// Those that the stop is for and that are not over.
    pub attempts: Vec<AttemptId>,
    pub then: AfterStop,
    pub why: String,
    pub by: Actor,
    /// Those that the host says survive KILL.
    pub failed: Vec<AttemptId>,
}

/// Taking back, newest step first.
#[derive(Debug, Clone, PartialEq)]
pub struct UndoState {
    /// Positions of the steps that are still to be taken back, next first.
    pub remaining: Vec<usize>,
    /// Hosts of the first of them that are done.
    pub done: Vec<HostName>,
    pub by: Option<Actor>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub end: RunEnd,
    pub why: String,
    pub at_ms: i64,
}
