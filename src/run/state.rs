//! Where a run stands: folded from its events by [`State::apply`], live and on replay alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{AttemptId, Digest, HostName, RunId, StepId, ValueName};
use crate::run::approval::{Approval, ClosedWindow};
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
    /// Everyone who ever drove it.
    pub drivers: Vec<Actor>,
    /// The last time that the wheel changed hands.
    pub taken: Option<Taken>,
    /// The hosts in the order of the plan, then the delegates.
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
    /// The approval that was last asked for at the current step.
    pub approval: Option<Approval>,
    /// The last event that had to do with approvals: a look from before it proves nothing.
    pub approval_seq: u64,
    /// Windows that the step at work waits for.
    pub held: Option<Vec<ClosedWindow>>,
    /// A lock of this run that another run holds: nothing begins without it.
    pub lock_away: Option<LockAway>,
    pub ended: Option<Ended>,
}

/// The wheel passed from one person to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub by: Actor,
    pub from: Actor,
    pub at_ms: i64,
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
    /// The event that last changed what a person may do here; older requests are stale.
    pub changed_seq: u64,
    pub entered_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// A `wait` is over then.
    pub wait_until_ms: Option<i64>,
    /// Who confirmed, answered, retried or resolved something here, or asked for an approval.
    pub hands: Vec<Actor>,
    /// The windows that a person lets it go on against, as they were then. One that closes later, or once more, needs a
    /// word of its own.
    pub windows_overridden: Vec<ClosedWindow>,
}

/// One step on one host.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub host: HostName,
    pub state: CellState,
    /// A person let it go on.
    pub released: bool,
    /// A used approval lets its next main attempt (or the undo of one) begin; that attempt takes it.
    pub approved: bool,
    /// An approval was used for the first look of a `wait: until`; its further looks are the same waiting.
    pub let_poll: bool,
    /// Of the output of its newest preview.
    pub preview: Option<Digest>,
    /// When the last of its guards held.
    pub guards_held_at_ms: Option<i64>,
    /// All attempts, oldest first.
    pub attempts: Vec<AttemptId>,
    /// What this step captured here.
    pub values: BTreeMap<ValueName, Value>,
    pub started_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// Attempts of the main command since a person last asked for one: counts against `retry`.
    pub tries: u32,
    /// Its main command ran before a person last asked for it: what it may have changed is still there.
    pub has_run: bool,
    /// When the first of those ended.
    pub first_try_ended_at_ms: Option<i64>,
    /// How many attempts here had an unknown outcome since a person last asked for one.
    pub unknowns: u32,
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
        since_ms: i64,
    },
    Verifying {
        attempt: AttemptId,
        since_ms: i64,
    },
    VerifyDue {
        at_ms: i64,
        since_ms: i64,
        why: String,
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
    /// Its time was over before it ended.
    pub overdue: bool,
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
    /// What is still to be taken back, next first: positions of steps, and hosts.
    pub remaining: Vec<(usize, HostName)>,
    /// The attempt that takes back the first of them.
    pub attempt: Option<AttemptId>,
    pub by: Option<Actor>,
}

/// Another run holds a lock that this one had, or needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockAway {
    pub lock: String,
    pub host: HostName,
    pub holder: RunId,
    pub since_ms: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub end: RunEnd,
    pub why: String,
    pub at_ms: i64,
}

impl State {
    /// A host or delegate of the plan.
    pub fn host(&self, name: &HostName) -> Option<&HostState> {
        self.hosts.iter().find(|host| host.name == *name)
    }

    /// The hosts of the plan that were not dropped, without delegates.
    pub fn standing_hosts(&self) -> impl Iterator<Item = &HostState> {
        self.hosts.iter().take(self.plan.hosts.len()).filter(|host| !matches!(host.standing, Standing::Dropped(_)))
    }

    /// Whether the run goes on without this host.
    pub fn is_dropped(&self, name: &HostName) -> bool {
        self.host(name).is_some_and(|host| matches!(host.standing, Standing::Dropped(_)))
    }

    /// The step that is worked, forwards or back.
    pub fn worked(&self) -> Option<usize> {
        match &self.undo {
            Some(undo) => undo.remaining.first().map(|(index, _)| *index),
            None => self.current,
        }
    }

    /// One step on one host.
    pub fn cell(&self, step: &StepId, host: &HostName) -> Option<&Cell> {
        let index = self.plan.step_index(step)?;
        self.steps[index].cells.iter().find(|cell| cell.host == *host)
    }

    /// Attempts that have been planned and are not over.
    pub fn live_attempts(&self) -> impl Iterator<Item = (&AttemptId, &AttemptState)> {
        self.attempts.iter().filter(|(_, attempt)| !attempt.is_over())
    }
}

impl AttemptState {
    pub fn is_over(&self) -> bool {
        matches!(self.phase, AttemptPhase::Over { .. })
    }

    /// Whether the host has ever said that it runs: then an absent one is lost, not unstarted.
    pub fn seen_running(&self) -> bool {
        match self.phase {
            AttemptPhase::Starting => false,
            AttemptPhase::Running { .. } | AttemptPhase::Over { .. } => true,
            AttemptPhase::Unreachable { seen_running, .. } => seen_running.is_some(),
        }
    }
}

impl Cell {
    /// The attempt that the cell's state speaks of, if one is under way.
    pub fn live_attempt(&self) -> Option<AttemptId> {
        match self.state {
            CellState::Previewing(attempt)
            | CellState::Working(attempt)
            | CellState::Guarding { attempt, .. }
            | CellState::Verifying { attempt, .. } => Some(attempt),
            CellState::Pending
            | CellState::Previewed { .. }
            | CellState::Guarded(_)
            | CellState::Worked { .. }
            | CellState::VerifyDue { .. }
            | CellState::RetryAt { .. }
            | CellState::Skipped(_)
            | CellState::Finished(_)
            | CellState::Resolved { .. } => None,
        }
    }

    /// Nothing more will happen here by itself.
    pub fn is_settled(&self) -> bool {
        matches!(self.state, CellState::Skipped(_) | CellState::Finished(_) | CellState::Resolved { .. })
    }

    /// Settled in a way that lets the run go on.
    pub fn is_fine(&self) -> bool {
        matches!(
            self.state,
            CellState::Skipped(_) | CellState::Resolved { .. } | CellState::Finished(StepResult::Succeeded)
        )
    }

    /// Settled as failed, timed out or cancelled.
    pub fn has_failed(&self) -> bool {
        matches!(self.state, CellState::Finished(StepResult::Failed(_) | StepResult::TimedOut | StepResult::Cancelled))
    }

    /// Its outcome is unknown and nobody has resolved it.
    pub fn is_unknown(&self) -> bool {
        matches!(self.state, CellState::Finished(StepResult::Unknown(_)))
    }

    /// Its main command ran, so that there may be something to take back.
    pub fn changed(&self) -> bool {
        self.has_run || self.tries > 0
    }
}
