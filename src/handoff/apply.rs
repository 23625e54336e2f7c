//! Folds events into the state. Fails only on a log that this program did not write; never asks for anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::handoff::event::{ActionChange, Event, Passed};
use crate::handoff::record::{Item, Record};
use crate::handoff::state::{
    Acknowledged, Answer, Comment, Custody, Decision, Phase, Question, ReadBack, Receipt, Signature, State, Synthesis,
};
use crate::id::ItemKey;
use crate::run::event::Actor;

/// An event that cannot follow what is before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} of the handoff cannot follow the ones before it: {why}")]
pub struct CorruptLog {
    pub seq: u64,
    pub why: String,
}

type Applied = Result<(), CorruptLog>;

impl State {
    /// The state after these events.
    ///
    /// # Errors
    /// The log does not begin with its beginning, or an event cannot follow.
    pub fn replay<'e>(events: impl IntoIterator<Item = (i64, &'e Event)>) -> Result<Self, CorruptLog> {
        let mut events = events.into_iter();
        let none = || CorruptLog { seq: 1, why: "a log begins with the beginning of a handoff".to_owned() };
        let (at_ms, first) = events.next().ok_or_else(none)?;
        let mut state = Self::begun(at_ms, first).ok_or_else(none)?;
        for (at_ms, event) in events {
            state.apply(at_ms, event)?;
        }
        Ok(state)
    }

    /// The state after the first event; none if it is not one.
    pub fn begun(at_ms: i64, event: &Event) -> Option<Self> {
        let Event::HandoffBegun { handoff, shift, since_ms, emergency, by } = event else { return None };
        Some(Self {
            handoff: *handoff,
            seq: 1,
            at_ms,
            begun_ms: at_ms,
            begun_by: by.clone(),
            shift: shift.clone(),
            since_ms: *since_ms,
            emergency: emergency.clone(),
            record: Record::default(),
            revision: 0,
            phase: Phase::Draft,
            signature: None,
            offered_ms: None,
            synthesis: Synthesis::default(),
            questions: Vec::new(),
            custody: BTreeMap::new(),
            passed: Vec::new(),
            acknowledged: None,
            comments: Vec::new(),
        })
    }

    /// Takes one event.
    ///
    /// # Errors
    /// It cannot follow.
    pub fn apply(&mut self, at_ms: i64, event: &Event) -> Applied {
        self.seq += 1;
        self.at_ms = at_ms;
        match event {
            Event::HandoffBegun { .. } => return self.corrupt("it has begun before"),
            Event::FactsDrafted { items, facts } => {
                self.record.take_facts(items, facts);
                self.revision += 1;
                self.give_new_items_a_holder();
            }
            Event::RecordRevised { revision, record, by: _ } => self.take_revision(*revision, record),
            Event::RecordSigned { revision, digest, overridden, by } => {
                let (by, overridden) = (by.clone(), overridden.clone());
                let (revision, digest) = (*revision, *digest);
                self.signature = Some(Signature { by, at_ms, revision, digest, worked: digest, overridden });
                if self.phase == Phase::Draft {
                    self.phase = Phase::Ready;
                }
            }
            Event::HandoffOffered { .. } => {
                self.offered_ms = Some(at_ms);
                self.phase = self.asked_or_offered();
            }
            Event::OfferWithdrawn { .. } => self.phase = Phase::Draft,
            Event::ItemReadBack { item, text, differs, by: _ } => {
                let read_back = ReadBack { text: text.clone(), at_ms, differs: differs.clone(), settled: false };
                self.receipt_of(item)?.read_back = Some(read_back);
            }
            Event::ReadBackSettled { item, .. } => match &mut self.receipt_of(item)?.read_back {
                Some(read_back) => read_back.settled = true,
                None => return self.corrupt("nothing was read back"),
            },
            Event::ItemAccepted { item, .. } => self.receipt_of(item)?.decision = Some(Decision::Accepted),
            Event::QuestionAsked { item, text, declines, by } => self.ask(item.as_ref(), text, *declines, by)?,
            Event::QuestionAnswered { question, text, by } => self.answer(*question, text, by)?,
            Event::RecapWritten { text, .. } => self.synthesis.recap = Some(text.clone()),
            Event::HandoffReturned { reason, by } => {
                self.ask(None, reason, false, by)?;
                self.phase = Phase::Questioned;
            }
            Event::HandoffAcknowledged { revision, digest, passed, by: _ } => {
                self.acknowledged = Some(Acknowledged { at_ms, revision: *revision, digest: *digest });
                self.phase = Phase::Acknowledged;
                self.pass(passed, None)?;
            }
            Event::TakenUnbriefed { passed, .. } => {
                self.phase = Phase::TakenUnbriefed;
                self.pass(passed, None)?;
            }
            Event::ReadBackObjected { item, .. } => self.read_again([item.clone()].into()),
            Event::CustodyForced { passed, reason, .. } => self.pass(passed, Some(reason))?,
            Event::CommentMade { text, by } => {
                self.comments.push(Comment { text: text.clone(), by: by.clone(), at_ms });
            }
            Event::ActionChanged { item, action, change, by: _ } => self.change_action(item, *action, change)?,
            Event::TimePassed { step } => self.passed.push((*step, at_ms)),
            Event::HandoffClosed { successor } => self.phase = Phase::Closed { successor: *successor },
            Event::HandoffVoided { reason, successor, .. } => {
                self.phase = Phase::Void { reason: reason.clone(), successor: *successor };
            }
        }
        Ok(())
    }

    fn corrupt<T>(&self, why: &str) -> Result<T, CorruptLog> {
        Err(CorruptLog { seq: self.seq, why: why.to_owned() })
    }

    /// What changed has to be read again. Before the acknowledgement the whole goes back to its sender, who signs the
    /// new revision; after it, only the changed items do.
    fn take_revision(&mut self, revision: u32, record: &Record) {
        let before = std::mem::replace(&mut self.record, record.clone());
        self.record.sort();
        self.revision = revision;
        let changed: BTreeSet<ItemKey> = self
            .record
            .items
            .iter()
            .filter(|item| before.item(&item.key).is_none_or(|old| !says_the_same(old, item)))
            .map(|item| item.key.clone())
            .collect();
        self.synthesis.items.retain(|key, _| !changed.contains(key) && record.item(key).is_some());
        match &self.phase {
            Phase::Ready | Phase::Offered | Phase::Questioned => self.phase = Phase::Draft,
            Phase::Acknowledged | Phase::Amended(_) | Phase::TakenUnbriefed => self.read_again(changed),
            Phase::Draft | Phase::Closed { .. } | Phase::Void { .. } => {}
        }
        self.give_new_items_a_holder();
    }

    fn read_again(&mut self, items: BTreeSet<ItemKey>) {
        if items.is_empty() {
            return;
        }
        for item in &items {
            self.synthesis.items.remove(item);
        }
        let mut all = items;
        if let Phase::Amended(before) = &self.phase {
            all.extend(before.iter().cloned());
        }
        self.phase = Phase::Amended(all);
    }

    /// Each item has one holder: its sender, until it passes.
    fn give_new_items_a_holder(&mut self) {
        let (record, at_ms, sender) = (&self.record, self.at_ms, &self.shift.outgoing);
        self.custody.retain(|key, _| record.item(key).is_some());
        for item in &record.items {
            let held = || Custody { holder: sender.clone(), since_ms: at_ms, forced: None };
            self.custody.entry(item.key.clone()).or_insert_with(held);
        }
    }

    fn receipt_of(&mut self, item: &ItemKey) -> Result<&mut Receipt, CorruptLog> {
        if self.record.item(item).is_none() {
            return self.corrupt("it is about an item that is not there");
        }
        Ok(self.synthesis.items.entry(item.clone()).or_default())
    }

    fn asked_or_offered(&self) -> Phase {
        if self.open_questions().next().is_some() { Phase::Questioned } else { Phase::Offered }
    }

    fn ask(&mut self, item: Option<&ItemKey>, text: &str, declines: bool, by: &Actor) -> Applied {
        if let Some(item) = item {
            let declined = declines.then(|| Decision::Declined { reason: text.to_owned() });
            self.receipt_of(item)?.decision = declined;
        }
        let (text, at_ms) = (text.to_owned(), self.at_ms);
        self.questions.push(Question { item: item.cloned(), text, declines, by: by.clone(), at_ms, answer: None });
        if self.phase == Phase::Offered {
            self.phase = Phase::Questioned;
        }
        Ok(())
    }

    fn answer(&mut self, question: u32, text: &str, by: &Actor) -> Applied {
        let at_ms = self.at_ms;
        let at = (question as usize).wrapping_sub(1);
        match self.questions.get_mut(at).filter(|asked| asked.answer.is_none()) {
            Some(asked) => asked.answer = Some(Answer { text: text.to_owned(), by: by.clone(), at_ms }),
            None => return self.corrupt("it answers no open question"),
        }
        if self.phase == Phase::Questioned {
            self.phase = self.asked_or_offered();
        }
        Ok(())
    }

    fn pass(&mut self, passed: &[Passed], forced: Option<&String>) -> Applied {
        for passed in passed {
            let at_ms = self.at_ms;
            match self.custody.get_mut(&passed.item) {
                Some(custody) if custody.holder == passed.from => {
                    *custody = Custody { holder: passed.to.clone(), since_ms: at_ms, forced: forced.cloned() };
                }
                _ => return self.corrupt("an item passes from somebody who does not hold it"),
            }
        }
        Ok(())
    }

    /// A page of before would write the action back, so it is of an earlier revision now; the sender's word stands.
    fn change_action(&mut self, item: &ItemKey, action: u32, change: &ActionChange) -> Applied {
        let was_signed = self.is_signed();
        let found = self.record.item_mut(item).and_then(|item| item.actions.get_mut(action as usize));
        let Some(action) = found else { return self.corrupt("it changes an action that is not there") };
        match change {
            ActionChange::Done => action.done = true,
            ActionChange::DueAt(due) => action.due = Some(due.clone()),
            ActionChange::OwnedBy(owner) => action.owner.clone_from(owner),
        }
        self.revision += 1;
        let digest = self.digest();
        if let Some(signature) = self.signature.as_mut().filter(|_| was_signed) {
            signature.worked = digest;
        }
        Ok(())
    }
}

/// Whether two revisions of an item mean the same to a reader. Facts are evidence, not what was said.
fn says_the_same(one: &Item, other: &Item) -> bool {
    let said = |item: &Item| Item {
        summary: crate::handoff::record::Summary { history: Vec::new(), ..item.summary.clone() },
        ..item.clone()
    };
    said(one) == said(other)
}
