//! A handoff as people and programs see it: one plain picture for the page, the API, the terminal and its forms.

use serde::{Deserialize, Serialize};

use crate::handoff::checks::{Finding, Level};
use crate::handoff::decide::{missing, waits_for_sender};
use crate::handoff::event::Shift;
use crate::handoff::record::{Dismissed, Fact, Item};
use crate::handoff::state::{Decision, Phase, State, number};
use crate::handoff::timing;
use crate::id::{HandoffId, ItemKey};
use crate::run::event::Actor;

/// The version of this form, for programs that keep it.
pub const VIEW_VERSION: u32 = 1;

/// The picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HandoffView {
    pub v: u32,
    pub id: HandoffId,
    pub seq: u64,
    /// `draft`, `ready`, `offered`, `questioned`, `acknowledged`, `amended`, `taken-unbriefed`, `closed`, `void`.
    pub phase: String,
    /// What is overdue, in words.
    pub overdue: Option<String>,
    pub void_because: Option<String>,
    pub shift: Shift,
    pub emergency: Option<String>,
    /// When the rest of an emergency handoff is owed.
    pub owed_by_ms: Option<i64>,
    pub quiet: bool,
    pub overview: String,
    pub upcoming: String,
    pub revision: u32,
    pub digest: String,
    /// Most urgent first.
    pub items: Vec<ItemView>,
    pub facts: Vec<Fact>,
    pub dismissed: Vec<Dismissed>,
    pub signed: Option<SignedView>,
    pub offered_ms: Option<i64>,
    pub acknowledged_ms: Option<i64>,
    pub recap: Option<String>,
    pub questions: Vec<QuestionView>,
    pub comments: Vec<CommentView>,
    /// What the receiver has not done yet, in words.
    pub missing: Vec<String>,
    /// Whether all that is missing is the sender's to do: past the boundary, the receiver may take it as it is.
    pub waits_for_sender: bool,
    /// What the receiver began themselves is not taken without the sender.
    pub begun_by_receiver: bool,
    /// What does not hold, where it was checked.
    pub findings: Vec<FindingView>,
}

/// An item, who holds it, and what its receiver said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ItemView {
    pub item: Item,
    pub holder: Option<Actor>,
    pub held_since_ms: Option<i64>,
    /// Why a lead passed it.
    pub forced: Option<String>,
    pub read_back: Option<ReadBackView>,
    /// `accepted`, `declined`, or none.
    pub decision: Option<String>,
    pub declined_because: Option<String>,
    pub needs_read_back: bool,
    /// Whether the receiver is to go through it now.
    pub to_read: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadBackView {
    pub text: String,
    pub at_ms: i64,
    pub differs: Vec<String>,
    pub settled: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignedView {
    pub by: Actor,
    pub at_ms: i64,
    pub revision: u32,
    /// Whether it is this revision.
    pub current: bool,
    /// Checks that did not hold, each with its reason: `Q6 web.disk: …`.
    pub overridden: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuestionView {
    pub number: u32,
    pub item: Option<ItemKey>,
    pub text: String,
    pub declines: bool,
    pub by: Actor,
    pub at_ms: i64,
    pub answer: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommentView {
    pub text: String,
    pub by: Actor,
    pub at_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingView {
    /// By which a reason names it: `Q6:web.disk`.
    pub name: String,
    pub check: String,
    pub item: Option<ItemKey>,
    /// `error` or `warning`.
    pub level: String,
    pub text: String,
}

impl From<&Finding> for FindingView {
    fn from(found: &Finding) -> Self {
        let level = match found.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        Self {
            name: found.name(),
            check: found.check.to_owned(),
            item: found.item.clone(),
            level: level.to_owned(),
            text: found.text.clone(),
        }
    }
}

/// The picture of a handoff, with what was found wrong with it.
pub fn view(state: &State, findings: &[Finding]) -> HandoffView {
    let record = &state.record;
    let to_read: Vec<&ItemKey> = state.to_read().iter().map(|item| &item.key).collect();
    let void_because = match &state.phase {
        Phase::Void { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    HandoffView {
        v: VIEW_VERSION,
        id: state.handoff,
        seq: state.seq,
        phase: state.phase.word().to_owned(),
        overdue: state.overdue().filter(|_| state.phase.is_open()).map(|(step, _)| step.words().to_owned()),
        void_because,
        shift: state.shift.clone(),
        emergency: state.emergency.clone(),
        owed_by_ms: state.emergency.as_ref().map(|_| state.begun_ms + timing::OWED_WITHIN_MS),
        quiet: record.quiet,
        overview: record.overview.clone(),
        upcoming: record.upcoming.clone(),
        revision: state.revision,
        digest: state.digest().to_string(),
        items: record.items.iter().map(|item| item_view(state, item, to_read.contains(&&item.key))).collect(),
        facts: record.facts.clone(),
        dismissed: record.dismissed.clone(),
        signed: signed_view(state),
        offered_ms: state.offered_ms,
        acknowledged_ms: state.acknowledged.as_ref().map(|acknowledged| acknowledged.at_ms),
        recap: state.synthesis.recap.clone(),
        questions: questions(state),
        comments: state
            .comments
            .iter()
            .map(|said| CommentView { text: said.text.clone(), by: said.by.clone(), at_ms: said.at_ms })
            .collect(),
        missing: match state.phase {
            Phase::Offered | Phase::Questioned | Phase::Amended(_) => {
                missing(state).iter().map(ToString::to_string).collect()
            }
            _ => Vec::new(),
        },
        waits_for_sender: waits_for_sender(state),
        begun_by_receiver: state.begun_by.as_ref().is_some_and(|by| state.is_receiver(by)),
        findings: findings.iter().map(FindingView::from).collect(),
    }
}

fn signed_view(state: &State) -> Option<SignedView> {
    let signature = state.signature.as_ref()?;
    let overridden = signature.overridden.iter().map(|over| {
        let about = over.item.as_ref().map(|item| format!(" {item}")).unwrap_or_default();
        format!("{}{about}: {}", over.check, over.reason)
    });
    Some(SignedView {
        by: signature.by.clone(),
        at_ms: signature.at_ms,
        revision: signature.revision,
        current: state.is_signed(),
        overridden: overridden.collect(),
    })
}

fn item_view(state: &State, item: &Item, to_read: bool) -> ItemView {
    let custody = state.custody.get(&item.key);
    let receipt = state.receipt(&item.key);
    let (decision, declined_because) = match receipt.and_then(|receipt| receipt.decision.as_ref()) {
        None => (None, None),
        Some(Decision::Accepted) => (Some("accepted".to_owned()), None),
        Some(Decision::Declined { reason }) => (Some("declined".to_owned()), Some(reason.clone())),
    };
    let read_back = receipt.and_then(|receipt| receipt.read_back.as_ref());
    ItemView {
        item: item.clone(),
        holder: custody.map(|custody| custody.holder.clone()),
        held_since_ms: custody.map(|custody| custody.since_ms),
        forced: custody.and_then(|custody| custody.forced.clone()),
        read_back: read_back.map(|said| ReadBackView {
            text: said.text.clone(),
            at_ms: said.at_ms,
            differs: said.differs.clone(),
            settled: said.settled,
        }),
        decision,
        declined_because,
        needs_read_back: item.needs_read_back(),
        to_read,
    }
}

fn questions(state: &State) -> Vec<QuestionView> {
    let numbered = state.questions.iter().enumerate();
    numbered
        .map(|(at, asked)| QuestionView {
            number: number(at),
            item: asked.item.clone(),
            text: asked.text.clone(),
            declines: asked.declines,
            by: asked.by.clone(),
            at_ms: asked.at_ms,
            answer: asked.answer.as_ref().map(|answer| answer.text.clone()),
        })
        .collect()
}
