//! What is due when, as a function of a handoff and the time; and who is paged, which is no function of it at all.

use serde::{Deserialize, Serialize};

use crate::handoff::event::Shift;
use crate::handoff::state::{Phase, State};
use crate::run::event::Actor;

const MINUTE_MS: i64 = 60_000;

/// A draft is made this long before the boundary.
pub const DRAFT_BEFORE_MS: i64 = 60 * MINUTE_MS;

/// The sender may object to a read-back for this long: the loop is closed then.
pub const OBJECT_WITHIN_MS: i64 = 30 * MINUTE_MS;

/// After an emergency the rest of the record is owed within this time.
pub const OWED_WITHIN_MS: i64 = 120 * MINUTE_MS;

/// A mark of time, and what is to happen when it passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The sender is told what is missing; the receiver too when something is unstable.
    TellWhatIsMissing,
    /// The boundary: what is there goes out, signed or not.
    Offer,
    /// Something is unstable: the two are asked to talk.
    AskToTalk,
    RemindReceiver,
    PageReceiver,
    PageSecondary,
    /// The lead accepts, reassigns, or asks the sender to stay.
    PageLead,
    /// Shown everywhere.
    LeaveUnattended,
}

impl Step {
    /// Whether somebody should have acted by now.
    pub fn is_overdue(self) -> bool {
        match self {
            Self::TellWhatIsMissing | Self::Offer | Self::AskToTalk => false,
            Self::RemindReceiver
            | Self::PageReceiver
            | Self::PageSecondary
            | Self::PageLead
            | Self::LeaveUnattended => true,
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::TellWhatIsMissing => "the sender is told what is missing",
            Self::Offer => "the boundary has passed",
            Self::AskToTalk => "something is unstable: talk to each other, live",
            Self::RemindReceiver => "the receiver is reminded",
            Self::PageReceiver => "the receiver is paged",
            Self::PageSecondary => "the secondary is paged",
            Self::PageLead => "the lead is paged: accept, reassign, or ask the sender to stay",
            Self::LeaveUnattended => "unattended: nobody has taken it",
        }
    }
}

/// Minutes after the boundary.
const NORMAL: &[(i64, Step)] = &[
    (-15, Step::TellWhatIsMissing),
    (0, Step::Offer),
    (15, Step::RemindReceiver),
    (30, Step::PageSecondary),
    (60, Step::PageLead),
    (120, Step::LeaveUnattended),
];

const WITH_UNSTABLE: &[(i64, Step)] = &[
    (-15, Step::TellWhatIsMissing),
    (0, Step::Offer),
    (0, Step::AskToTalk),
    (5, Step::RemindReceiver),
    (10, Step::PageReceiver),
    (15, Step::PageSecondary),
    (20, Step::PageLead),
    (40, Step::LeaveUnattended),
];

/// The marks of a handoff, with their times.
pub fn marks(state: &State) -> Vec<(i64, Step)> {
    let table = if state.record.has_unstable() { WITH_UNSTABLE } else { NORMAL };
    table.iter().map(|(minutes, step)| (state.shift.ends_ms + minutes * MINUTE_MS, *step)).collect()
}

/// Marks that have passed and are not recorded, in their order. None once somebody has taken it: nobody is woken for
/// paperwork.
pub fn due(state: &State, now_ms: i64) -> Vec<Step> {
    if !waits(state) {
        return Vec::new();
    }
    let passed = marks(state).into_iter().filter(|(at_ms, _)| *at_ms <= now_ms);
    passed.map(|(_, step)| step).filter(|step| !is_recorded(state, *step)).collect()
}

/// When the next mark passes.
pub fn next_ms(state: &State) -> Option<i64> {
    let open = || marks(state).into_iter().filter(|(_, step)| !is_recorded(state, *step));
    if waits(state) { open().map(|(at_ms, _)| at_ms).min() } else { None }
}

fn waits(state: &State) -> bool {
    matches!(state.phase, Phase::Draft | Phase::Ready | Phase::Offered | Phase::Questioned)
}

fn is_recorded(state: &State, step: Step) -> bool {
    state.passed.iter().any(|(passed, _)| *passed == step)
}

/// Who is paged for what is new: the schedule says so, and nothing that anybody writes, reads or leaves undone.
/// A team that made acceptance a gate deadlocked its shifts; so this takes no handoff.
pub fn paged(shift: &Shift, at_ms: i64) -> &Actor {
    if at_ms < shift.ends_ms { &shift.outgoing } else { &shift.incoming }
}
