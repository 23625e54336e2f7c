//! What happened to a handoff, in the past tense. Each event is stored before anything follows from it.
//!
//! Events are a stored format: they carry [`EVENT_VERSION`] in the store, and `tests/fixtures/handoff-events` holds one
//! of each kind that must still load.

use serde::{Deserialize, Serialize};

use crate::handoff::due::Due;
use crate::handoff::record::{DraftedItem, Fact, Record};
use crate::handoff::timing::Step;
use crate::id::{Digest, HandoffId, ItemKey, RunId};
use crate::run::event::Actor;

/// The version of the stored form of events.
pub const EVENT_VERSION: u32 = 1;

/// A boundary between two shifts, with exactly one accountable person on each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// None where people name each other.
    pub rotation: Option<String>,
    /// When the sender's shift began.
    pub starts_ms: i64,
    /// The boundary: when it ends, and the receiver's begins.
    pub ends_ms: i64,
    pub outgoing: Actor,
    pub incoming: Actor,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    HandoffBegun {
        handoff: HandoffId,
        shift: Shift,
        /// What happened before this moment was told in the handoff before.
        since_ms: i64,
        /// One sentence, said in an emergency: the rest is owed.
        emergency: Option<String>,
        /// None: the server, by the schedule.
        by: Option<Actor>,
    },
    /// The server filled in what it saw. It has no way to fill in more.
    FactsDrafted {
        items: Vec<DraftedItem>,
        facts: Vec<Fact>,
    },
    /// A person saved the record.
    RecordRevised {
        revision: u32,
        record: Box<Record>,
        by: Actor,
    },
    RecordSigned {
        revision: u32,
        digest: Digest,
        /// Checks that do not hold, each with why it was signed all the same.
        overridden: Vec<Overridden>,
        by: Actor,
    },
    /// Without a person: nobody signed in time, and the draft went out as it was.
    HandoffOffered {
        by: Option<Actor>,
    },
    OfferWithdrawn {
        reason: String,
        by: Actor,
    },
    ItemReadBack {
        item: ItemKey,
        text: String,
        /// Numbers, times and hosts that the item has otherwise.
        differs: Vec<String>,
        by: Actor,
    },
    /// The sender says that a read-back is right although it says something else than the item.
    ReadBackSettled {
        item: ItemKey,
        by: Actor,
    },
    ItemAccepted {
        item: ItemKey,
        by: Actor,
    },
    QuestionAsked {
        /// None: about the whole.
        item: Option<ItemKey>,
        text: String,
        /// The item is declined, for this reason.
        declines: bool,
        by: Actor,
    },
    QuestionAnswered {
        /// From 1, in the order of asking.
        question: u32,
        text: String,
        by: Actor,
    },
    RecapWritten {
        text: String,
        by: Actor,
    },
    HandoffReturned {
        reason: String,
        by: Actor,
    },
    HandoffAcknowledged {
        revision: u32,
        digest: Digest,
        passed: Vec<Passed>,
        by: Actor,
    },
    /// What was there was not signed, or its sender answers no more; the receiver took it.
    TakenUnbriefed {
        passed: Vec<Passed>,
        by: Actor,
    },
    /// The sender heard something else than was meant: the item is read back once more.
    ReadBackObjected {
        item: ItemKey,
        reason: String,
        by: Actor,
    },
    CustodyForced {
        passed: Vec<Passed>,
        reason: String,
        by: Actor,
    },
    CommentMade {
        text: String,
        by: Actor,
    },
    ActionChanged {
        item: ItemKey,
        /// Its place in the item, from 0.
        action: u32,
        change: ActionChange,
        by: Actor,
    },
    /// Time passed a mark.
    TimePassed {
        step: Step,
    },
    HandoffClosed {
        successor: HandoffId,
    },
    HandoffVoided {
        reason: String,
        successor: Option<HandoffId>,
        by: Option<Actor>,
    },
}

/// A check that did not hold when somebody signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    /// `Q6`
    pub check: String,
    pub item: Option<ItemKey>,
    pub reason: String,
}

/// An item that went from one holder to another, with the wheel of its runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    pub item: ItemKey,
    pub from: Actor,
    pub to: Actor,
    pub wheels: Vec<WheelPassed>,
}

/// The event of a run's own log that says so, stored in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WheelPassed {
    pub run: RunId,
    pub seq: u64,
}

/// What the holder of an item does to one of its actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionChange {
    Done,
    DueAt(Due),
    OwnedBy(String),
}
