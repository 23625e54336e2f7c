//! Where a handoff stands: folded from its events by [`State::apply`], live and on replay alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::handoff::event::{Overridden, Shift};
use crate::handoff::record::{Item, Record};
use crate::handoff::timing::Step;
use crate::id::{Digest, HandoffId, ItemKey};
use crate::run::event::Actor;

/// A handoff at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub handoff: HandoffId,
    /// The number of the last event, from 1.
    pub seq: u64,
    /// When the last event happened, milliseconds since 1970.
    pub at_ms: i64,
    pub begun_ms: i64,
    /// None: the server, by the schedule.
    pub begun_by: Option<Actor>,
    pub shift: Shift,
    pub since_ms: i64,
    pub emergency: Option<String>,
    pub record: Record,
    /// Of the record, from 1; 0 until something is in it.
    pub revision: u32,
    pub phase: Phase,
    pub signature: Option<Signature>,
    pub offered_ms: Option<i64>,
    pub synthesis: Synthesis,
    pub questions: Vec<Question>,
    /// Every item of the record, and each with one holder.
    pub custody: BTreeMap<ItemKey, Custody>,
    /// Marks of time that have passed.
    pub passed: Vec<(Step, i64)>,
    pub acknowledged: Option<Acknowledged>,
    pub comments: Vec<Comment>,
}

/// Where it is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The sender writes.
    Draft,
    /// The sender signed.
    Ready,
    /// The receiver reads.
    Offered,
    /// The receiver asked, declined or gave it back: the sender is to answer.
    Questioned,
    Acknowledged,
    /// These changed, or were heard wrong, after the acknowledgement: they need it again.
    Amended(BTreeSet<ItemKey>),
    TakenUnbriefed,
    /// The next handoff was signed.
    Closed {
        successor: HandoffId,
    },
    Void {
        reason: String,
        successor: Option<HandoffId>,
    },
}

impl Phase {
    /// As the API and lists say it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Ready => "ready",
            Self::Offered => "offered",
            Self::Questioned => "questioned",
            Self::Acknowledged => "acknowledged",
            Self::Amended(_) => "amended",
            Self::TakenUnbriefed => "taken-unbriefed",
            Self::Closed { .. } => "closed",
            Self::Void { .. } => "void",
        }
    }

    /// Whether somebody is still to do something before it counts as handed over.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Draft | Self::Ready | Self::Offered | Self::Questioned | Self::Amended(_))
    }
}

/// The sender's word for one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub by: Actor,
    pub at_ms: i64,
    pub revision: u32,
    pub digest: Digest,
    /// The digest of what was signed with what its holders did to its actions since: that is theirs, and no revision.
    pub worked: Digest,
    pub overridden: Vec<Overridden>,
}

/// What the receiver wrote. Nobody writes it for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synthesis {
    pub recap: Option<String>,
    pub items: BTreeMap<ItemKey, Receipt>,
}

/// What the receiver said of one item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    pub read_back: Option<ReadBack>,
    pub decision: Option<Decision>,
}

/// An item in the receiver's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    pub text: String,
    pub at_ms: i64,
    /// Numbers, times and hosts that the item has otherwise.
    pub differs: Vec<String>,
    /// The sender said that it is right all the same.
    pub settled: bool,
}

/// What the receiver does about an item. A question is no decision: it is asked, and then decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Accepted,
    Declined { reason: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub item: Option<ItemKey>,
    pub text: String,
    pub declines: bool,
    pub by: Actor,
    pub at_ms: i64,
    pub answer: Option<Answer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub by: Actor,
    pub at_ms: i64,
}

/// Who holds an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custody {
    pub holder: Actor,
    pub since_ms: i64,
    /// A lead passed it, for this reason.
    pub forced: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    pub at_ms: i64,
    pub revision: u32,
    pub digest: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub text: String,
    pub by: Actor,
    pub at_ms: i64,
}

impl State {
    pub fn is_sender(&self, who: &Actor) -> bool {
        who.person() == self.shift.outgoing.person()
    }

    pub fn is_receiver(&self, who: &Actor) -> bool {
        who.person() == self.shift.incoming.person()
    }

    /// What the current record's signature would bind to.
    pub fn digest(&self) -> Digest {
        self.record.digest()
    }

    /// Whether the record is as the sender signed it, but for the work on its actions.
    pub fn is_signed(&self) -> bool {
        self.signature.as_ref().is_some_and(|signature| signature.worked == self.digest())
    }

    /// What the receiver still has to go through: after an amendment only what changed.
    pub fn to_read(&self) -> Vec<&Item> {
        let all = self.record.items.iter();
        match &self.phase {
            Phase::Amended(changed) => all.filter(|item| changed.contains(&item.key)).collect(),
            _ => all.collect(),
        }
    }

    pub fn receipt(&self, item: &ItemKey) -> Option<&Receipt> {
        self.synthesis.items.get(item)
    }

    pub fn open_questions(&self) -> impl Iterator<Item = (u32, &Question)> {
        let numbered = self.questions.iter().enumerate();
        numbered.filter(|(_, asked)| asked.answer.is_none()).map(|(at, asked)| (number(at), asked))
    }

    /// How far it is overdue, if it is: the last mark that has passed and told somebody to act.
    pub fn overdue(&self) -> Option<(Step, i64)> {
        self.passed.iter().rev().find(|(step, _)| step.is_overdue()).copied()
    }
}

/// The number of a question at this place.
pub fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1)
}
