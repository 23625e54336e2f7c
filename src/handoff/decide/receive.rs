//! What the receiver does: read back, ask, decide, take.

use std::collections::BTreeMap;
use std::fmt;

use super::{Answer, Draft, QUESTIONS_MAX, Refusal, said};
use crate::handoff::event::{Event, Passed, WheelPassed};
use crate::handoff::read_back;
use crate::handoff::state::{Decision, Phase, State};
use crate::id::{Digest, ItemKey, RunId};
use crate::run::event::Actor;

/// What stands between the receiver and "I have these".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    ReadBack(ItemKey),
    /// The read-back has numbers or hosts that the item has otherwise.
    Settling(ItemKey, Vec<String>),
    Decision(ItemKey),
    /// Owner and due of an action of an item that is accepted.
    OwnerOrDue(ItemKey, String),
    Recap,
    /// The sender is to answer first.
    Answer(u32),
    /// The sender is to sign the revision that is there now.
    Signature,
}

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadBack(item) => write!(formatter, "say {item} in your own words"),
            Self::Settling(item, differs) => {
                let differs = differs.join(", ");
                write!(
                    formatter,
                    "your words on {item} have {differs}, the item has not: say it again, or the sender confirms it"
                )
            }
            Self::Decision(item) => write!(formatter, "decide on {item}: accept it or decline it"),
            Self::OwnerOrDue(item, action) => {
                write!(formatter, "an action of {item} has no owner or no time: {action}; ask for it, or decline")
            }
            Self::Recap => formatter.write_str("write the recap: the whole in your own words"),
            Self::Answer(question) => write!(formatter, "the sender has not answered question {question}"),
            Self::Signature => formatter.write_str("the sender has not signed what is there now"),
        }
    }
}

/// What the receiver has not done, or cannot do yet.
pub fn missing(state: &State) -> Vec<Missing> {
    let mut missing = Vec::new();
    if !state.is_signed() {
        missing.push(Missing::Signature);
    }
    missing.extend(state.open_questions().map(|(number, _)| Missing::Answer(number)));
    for item in state.to_read() {
        let receipt = state.receipt(&item.key);
        let said = receipt.and_then(|receipt| receipt.read_back.as_ref());
        match said {
            None if item.needs_read_back() => missing.push(Missing::ReadBack(item.key.clone())),
            Some(said) if !said.differs.is_empty() && !said.settled => {
                missing.push(Missing::Settling(item.key.clone(), said.differs.clone()));
            }
            None | Some(_) => {}
        }
        match receipt.and_then(|receipt| receipt.decision.as_ref()) {
            None => missing.push(Missing::Decision(item.key.clone())),
            Some(Decision::Accepted) if state.emergency.is_none() => {
                let bare =
                    item.actions.iter().find(|line| !line.done && (line.owner.trim().is_empty() || line.due.is_none()));
                missing.extend(bare.map(|line| Missing::OwnerOrDue(item.key.clone(), line.text.clone())));
            }
            Some(Decision::Accepted | Decision::Declined { .. }) => {}
        }
    }
    if state.synthesis.recap.is_none() && !state.record.items.is_empty() {
        missing.push(Missing::Recap);
    }
    missing
}

/// Whether all that is missing is the sender's to do: the receiver is at the end of what they can.
pub fn waits_for_sender(state: &State) -> bool {
    let is_asked = |item: &ItemKey| state.open_questions().any(|(_, asked)| asked.item.as_ref() == Some(item));
    let is_senders = |lack: &Missing| match lack {
        Missing::Answer(_) | Missing::Signature => true,
        // It cannot be accepted while a question about it is open.
        Missing::Decision(item) => is_asked(item),
        Missing::ReadBack(_) | Missing::Settling(..) | Missing::OwnerOrDue(..) | Missing::Recap => false,
    };
    let missing = missing(state);
    !missing.is_empty() && missing.iter().all(is_senders)
}

/// The items that pass when the receiver takes them now, with who holds each and the runs whose wheel goes with it:
/// what its sender holds. What a lead gave to somebody else, only a lead takes from them.
pub fn to_pass(state: &State, unbriefed: bool) -> Vec<(ItemKey, Actor, Vec<RunId>)> {
    let takes = |key: &ItemKey| match state.receipt(key).and_then(|receipt| receipt.decision.as_ref()) {
        Some(Decision::Accepted) => true,
        Some(Decision::Declined { .. }) => false,
        None => unbriefed,
    };
    let to_read = state.to_read().into_iter().filter(|item| takes(&item.key));
    let held = to_read.filter_map(|item| Some((item, state.custody.get(&item.key)?)));
    held.filter(|(_, custody)| state.is_sender(&custody.holder))
        .map(|(item, custody)| (item.key.clone(), custody.holder.clone(), item.runs.clone()))
        .collect()
}

impl Draft {
    pub(super) fn read_back(&mut self, item: &ItemKey, text: &str, by: &Actor) -> Answer {
        self.only_receiver(by)?;
        self.is_being_read()?;
        self.item_is_there(item)?;
        let text = said(text, "say it in your own words")?;
        let source = self.state.record.item(item).expect("it was just found");
        let lacks = read_back::lacks(source, &text);
        if !lacks.is_empty() {
            return Err(Refusal::Wrong(format!("the read-back of {item} is not taken: {}", lacks.join("; "))));
        }
        let differs = read_back::differs(source, &text);
        self.emit(Event::ItemReadBack { item: item.clone(), text, differs, by: by.clone() });
        Ok(())
    }

    pub(super) fn accept(&mut self, item: &ItemKey, by: &Actor) -> Answer {
        self.only_receiver(by)?;
        self.is_being_read()?;
        self.item_is_there(item)?;
        if self.state.open_questions().any(|(_, asked)| asked.item.as_ref() == Some(item)) {
            return Err(Refusal::NotNow(format!("your question about {item} is not answered yet")));
        }
        self.emit(Event::ItemAccepted { item: item.clone(), by: by.clone() });
        Ok(())
    }

    pub(super) fn question(&mut self, item: Option<&ItemKey>, text: &str, declines: bool, by: &Actor) -> Answer {
        self.only_receiver(by)?;
        self.is_being_read()?;
        if let Some(item) = item {
            self.item_is_there(item)?;
        }
        if self.state.questions.len() >= QUESTIONS_MAX {
            return Err(Refusal::NotNow(format!("{QUESTIONS_MAX} questions were asked here: call each other")));
        }
        let text = said(text, if declines { "say why you do not take it" } else { "write the question" })?;
        self.emit(Event::QuestionAsked { item: item.cloned(), text, declines, by: by.clone() });
        Ok(())
    }

    pub(super) fn recap(&mut self, text: &str, by: &Actor) -> Answer {
        self.only_receiver(by)?;
        self.is_being_read()?;
        let text = said(text, "write the recap: the whole in your own words")?;
        self.emit(Event::RecapWritten { text, by: by.clone() });
        Ok(())
    }

    pub(super) fn give_back(&mut self, reason: &str, by: &Actor) -> Answer {
        self.only_receiver(by)?;
        self.is_being_read()?;
        let reason = said(reason, "say why you give it back")?;
        self.emit(Event::HandoffReturned { reason, by: by.clone() });
        Ok(())
    }

    pub(super) fn acknowledge(&mut self, digest: Digest, wheels: &BTreeMap<RunId, u64>, by: &Actor) -> Answer {
        self.only_receiver(by)?;
        if self.state.phase == Phase::Acknowledged {
            return Err(Refusal::NotNow("it is acknowledged already".to_owned()));
        }
        self.is_being_read()?;
        if digest != self.state.digest() {
            return Err(Refusal::Stale);
        }
        let missing = missing(&self.state);
        if !missing.is_empty() {
            return Err(Refusal::Incomplete(missing));
        }
        let revision = self.state.revision;
        let passed = self.passed(false, wheels);
        self.emit(Event::HandoffAcknowledged { revision, digest, passed, by: by.clone() });
        Ok(())
    }

    pub(super) fn take_unbriefed(&mut self, wheels: &BTreeMap<RunId, u64>, by: &Actor) -> Answer {
        self.only_receiver(by)?;
        if self.state.begun_by.as_ref().is_some_and(|by| self.state.is_receiver(by)) {
            let why = "you began it yourself, and its sender has not handed anything over: ask them, or ask a lead";
            return Err(Refusal::NotYours(why.to_owned()));
        }
        if !matches!(self.state.phase, Phase::Draft | Phase::Ready | Phase::Offered | Phase::Questioned) {
            return Err(Refusal::NotNow("it is taken, closed or void already".to_owned()));
        }
        if self.now_ms < self.state.shift.ends_ms {
            return Err(Refusal::NotNow("the boundary has not passed: the sender may still write it".to_owned()));
        }
        if self.state.is_signed() && !waits_for_sender(&self.state) {
            return Err(Refusal::NotNow("it was signed: read it, and say it back".to_owned()));
        }
        let passed = self.passed(true, wheels);
        self.emit(Event::TakenUnbriefed { passed, by: by.clone() });
        Ok(())
    }

    fn is_being_read(&self) -> Answer {
        match &self.state.phase {
            Phase::Offered | Phase::Questioned | Phase::Amended(_) => Ok(()),
            Phase::Draft | Phase::Ready => {
                Err(Refusal::NotNow("it is not offered yet; its sender still writes".to_owned()))
            }
            Phase::Acknowledged => Err(Refusal::NotNow("you have acknowledged it".to_owned())),
            Phase::TakenUnbriefed => Err(Refusal::NotNow("you took it without briefing".to_owned())),
            Phase::Closed { .. } => Err(Refusal::NotNow("the next handoff was signed".to_owned())),
            Phase::Void { reason, .. } => Err(Refusal::NotNow(format!("this handoff is void: {reason}"))),
        }
    }

    /// To the person, by whatever token they speak: custody is held by people.
    fn passed(&self, unbriefed: bool, wheels: &BTreeMap<RunId, u64>) -> Vec<Passed> {
        let to = &self.state.shift.incoming;
        let passes = to_pass(&self.state, unbriefed).into_iter();
        passes
            .map(|(item, from, runs)| Passed { item, from, to: to.clone(), wheels: of_these(&runs, wheels) })
            .collect()
    }
}

/// The events of the logs of these runs.
pub(super) fn of_these(runs: &[RunId], wheels: &BTreeMap<RunId, u64>) -> Vec<WheelPassed> {
    runs.iter().filter_map(|run| Some(WheelPassed { run: *run, seq: *wheels.get(run)? })).collect()
}
