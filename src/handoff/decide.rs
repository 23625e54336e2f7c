//! The only source of events: a function of a handoff, a request and the time. A request that is refused changes
//! nothing.

mod amend;
mod compose;
mod lead;
mod receive;

use std::collections::BTreeMap;

use crate::handoff::checks::Finding;
use crate::handoff::event::{ActionChange, Event, Shift};
use crate::handoff::record::{Action, Contingency, DraftedItem, Fact, Severity, TEXT_BYTES_MAX};
use crate::handoff::state::{Phase, State};
use crate::handoff::timing;
use crate::id::{Digest, HandoffId, ItemKey, RunId};
use crate::run::event::Actor;

pub use receive::{Missing, missing, to_pass, waits_for_sender};

/// Questions of one handoff: a talk is better than more.
pub const QUESTIONS_MAX: usize = 50;

/// A person's request.
#[derive(Debug, Clone)]
pub struct Request {
    pub by: Actor,
    /// A lead, who may pass custody with a reason.
    pub may_force: bool,
    pub ask: Ask,
}

/// What somebody wants of a handoff.
#[derive(Debug, Clone)]
pub enum Ask {
    /// The sender writes. `revision` is the one that they saw.
    Write {
        revision: u32,
        what: Written,
    },
    /// What was drafted again, right before signing or because the sender asked.
    RefreshFacts {
        items: Vec<DraftedItem>,
        facts: Vec<Fact>,
    },
    /// Signs what has this digest. `findings` are of this moment; `reasons` are by check and item.
    Sign {
        digest: Digest,
        findings: Vec<Finding>,
        reasons: BTreeMap<String, String>,
    },
    Offer,
    Withdraw {
        reason: String,
    },
    ReadBack {
        item: ItemKey,
        text: String,
    },
    Settle {
        item: ItemKey,
    },
    Accept {
        item: ItemKey,
    },
    Decline {
        item: ItemKey,
        reason: String,
    },
    Question {
        item: Option<ItemKey>,
        text: String,
    },
    Answer {
        question: u32,
        text: String,
    },
    Recap {
        text: String,
    },
    Return {
        reason: String,
    },
    /// "I have these." `wheels`: the event of each run's own log that is stored with it.
    Acknowledge {
        digest: Digest,
        wheels: BTreeMap<RunId, u64>,
    },
    TakeUnbriefed {
        wheels: BTreeMap<RunId, u64>,
    },
    Object {
        item: ItemKey,
        reason: String,
    },
    ChangeAction {
        item: ItemKey,
        action: u32,
        change: ActionChange,
    },
    /// A lead: this item goes to that person.
    Force {
        item: ItemKey,
        to: Actor,
        reason: String,
        wheels: BTreeMap<RunId, u64>,
    },
    Comment {
        text: String,
    },
    Void {
        reason: String,
        successor: Option<HandoffId>,
    },
}

/// What of a record the sender saves.
#[derive(Debug, Clone)]
pub enum Written {
    Overview {
        overview: String,
        upcoming: String,
    },
    /// Nothing happened.
    Quiet {
        overview: String,
    },
    Item {
        key: ItemKey,
        item: Box<WrittenItem>,
    },
    NewItem {
        key: ItemKey,
        title: String,
    },
    /// Takes an item out.
    Dismiss {
        key: ItemKey,
        reason: String,
    },
    HideFact {
        key: ItemKey,
        fact: String,
        reason: String,
    },
}

/// What a person writes of an item: all of it but facts, runs and where it comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WrittenItem {
    pub title: String,
    pub severity: Option<Severity>,
    pub severity_basis: String,
    pub statement: String,
    pub tried: String,
    pub assessment: String,
    pub plan: String,
    pub decision: String,
    pub actions: Vec<Action>,
    pub contingencies: Vec<Contingency>,
}

/// Why a request was not followed. Nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The page was out of date.
    #[error("the handoff has moved on since you looked: look at it again, and then once more")]
    Stale,
    /// It is somebody else's to do.
    #[error("{0}")]
    NotYours(String),
    #[error("{0}")]
    NotNow(String),
    #[error("{0}")]
    Wrong(String),
    /// Checks do not hold, and no reason was given to go on all the same.
    #[error("not yet: {}", sentences(.0))]
    Checks(Vec<Finding>),
    /// What the receiver has not done.
    #[error("not yet: {}", missing_sentences(.0))]
    Incomplete(Vec<Missing>),
}

fn sentences(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn missing_sentences(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What follows from a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub events: Vec<Event>,
    pub state: State,
}

type Answer = Result<(), Refusal>;

/// Begins a handoff.
///
/// # Errors
/// Sender and receiver are the same person, or the boundary is not after the beginning.
pub fn begin(
    handoff: HandoffId,
    shift: &Shift,
    since_ms: i64,
    emergency: Option<&str>,
    by: Option<&Actor>,
    now_ms: i64,
) -> Result<Decision, Refusal> {
    if shift.outgoing.person() == shift.incoming.person() {
        let who = shift.outgoing.person();
        return Err(Refusal::Wrong(format!("{who} cannot hand over to {who}: name who comes next")));
    }
    if shift.ends_ms <= shift.starts_ms {
        return Err(Refusal::Wrong("the boundary is not after the beginning of the shift".to_owned()));
    }
    let emergency = emergency.map(|text| said(text, "say in one sentence what is happening")).transpose()?;
    let event = Event::HandoffBegun { handoff, shift: shift.clone(), since_ms, emergency, by: by.cloned() };
    let state = State::begun(now_ms, &event).expect("it is the beginning");
    Ok(Decision { events: vec![event], state })
}

/// Decides about a person's request.
///
/// # Errors
/// It cannot be followed; nothing has happened.
pub fn decide(state: &State, request: &Request, now_ms: i64) -> Result<Decision, Refusal> {
    let mut draft = Draft { state: state.clone(), now_ms, events: Vec::new() };
    draft.follow(request)?;
    Ok(draft.decision())
}

/// Decides what follows from the time alone.
pub fn pass_time(state: &State, now_ms: i64) -> Decision {
    let mut draft = Draft { state: state.clone(), now_ms, events: Vec::new() };
    for step in timing::due(state, now_ms) {
        if step == timing::Step::Offer && matches!(draft.state.phase, Phase::Draft | Phase::Ready) {
            // Nobody signed in time: what was drafted goes out all the same, and says so.
            draft.emit(Event::HandoffOffered { by: None });
        }
        draft.emit(Event::TimePassed { step });
    }
    draft.decision()
}

/// Decides that the next handoff of the receiver was signed.
pub fn close(state: &State, successor: HandoffId, now_ms: i64) -> Decision {
    let mut draft = Draft { state: state.clone(), now_ms, events: Vec::new() };
    if matches!(state.phase, Phase::Acknowledged | Phase::Amended(_) | Phase::TakenUnbriefed) {
        draft.emit(Event::HandoffClosed { successor });
    }
    draft.decision()
}

/// Decides that the schedule does not ask for it any more. What somebody has taken stands.
pub fn void_by_schedule(state: &State, successor: Option<HandoffId>, now_ms: i64) -> Decision {
    let mut draft = Draft { state: state.clone(), now_ms, events: Vec::new() };
    if matches!(state.phase, Phase::Draft | Phase::Ready | Phase::Offered | Phase::Questioned) {
        let reason = "the schedule changed".to_owned();
        draft.emit(Event::HandoffVoided { reason, successor, by: None });
    }
    draft.decision()
}

/// A decision in the making: the state already holds the events so far.
struct Draft {
    state: State,
    now_ms: i64,
    events: Vec<Event>,
}

impl Draft {
    fn decision(self) -> Decision {
        Decision { events: self.events, state: self.state }
    }

    fn emit(&mut self, event: Event) {
        self.state.apply(self.now_ms, &event).expect("decide makes only events that can follow the state");
        self.events.push(event);
    }

    fn follow(&mut self, request: &Request) -> Answer {
        let by = &request.by;
        match &request.ask {
            Ask::Write { revision, what } => self.write(*revision, what, by),
            Ask::RefreshFacts { items, facts } => self.refresh(items, facts, by),
            Ask::Sign { digest, findings, reasons } => self.sign(*digest, findings, reasons, by),
            Ask::Offer => self.offer(by),
            Ask::Withdraw { reason } => self.withdraw(reason, by),
            Ask::Answer { question, text } => self.answer(*question, text, by),
            Ask::Settle { item } => self.settle(item, by),
            Ask::ReadBack { item, text } => self.read_back(item, text, by),
            Ask::Accept { item } => self.accept(item, by),
            Ask::Decline { item, reason } => self.question(Some(item), reason, true, by),
            Ask::Question { item, text } => self.question(item.as_ref(), text, false, by),
            Ask::Recap { text } => self.recap(text, by),
            Ask::Return { reason } => self.give_back(reason, by),
            Ask::Acknowledge { digest, wheels } => self.acknowledge(*digest, wheels, by),
            Ask::TakeUnbriefed { wheels } => self.take_unbriefed(wheels, by),
            Ask::Object { item, reason } => self.object(item, reason, by),
            Ask::ChangeAction { item, action, change } => self.change_action(item, *action, change, by),
            Ask::Force { item, to, reason, wheels } => {
                self.only_lead(request)?;
                self.force(item, to, reason, wheels, by)
            }
            Ask::Comment { text } => self.comment(text, by),
            Ask::Void { reason, successor } => self.void(reason, *successor, request),
        }
    }

    fn only_sender(&self, by: &Actor) -> Answer {
        if self.state.is_sender(by) {
            return Ok(());
        }
        Err(Refusal::NotYours(format!("this is for {} to do, who hands over", self.state.shift.outgoing)))
    }

    fn only_receiver(&self, by: &Actor) -> Answer {
        if self.state.is_receiver(by) {
            return Ok(());
        }
        Err(Refusal::NotYours(format!(
            "this is for {} alone, who receives: nobody says it for them",
            self.state.shift.incoming
        )))
    }

    #[expect(clippy::unused_self, reason = "beside its two siblings, in the same form")]
    fn only_lead(&self, request: &Request) -> Answer {
        if request.may_force {
            return Ok(());
        }
        Err(Refusal::NotYours("passing custody over somebody's head takes a lead: ask an admin".to_owned()))
    }

    fn item_is_there(&self, key: &ItemKey) -> Answer {
        match self.state.record.item(key) {
            Some(_) => Ok(()),
            None => Err(Refusal::Wrong(format!("this handoff has no item {key}"))),
        }
    }
}

/// A text that must say something, and not too much.
fn said(text: &str, or_else: &str) -> Result<String, Refusal> {
    let text = bounded(text)?;
    if text.is_empty() { Err(Refusal::Wrong(or_else.to_owned())) } else { Ok(text) }
}

/// A text that may be empty. Line ends as people's machines write them become ours.
fn bounded(text: &str) -> Result<String, Refusal> {
    let text = text.replace("\r\n", "\n").trim().to_owned();
    if text.len() > TEXT_BYTES_MAX {
        let bytes = text.len();
        return Err(Refusal::Wrong(format!(
            "a text of {bytes} bytes is longer than the {TEXT_BYTES_MAX} that are read"
        )));
    }
    Ok(text)
}
