//! What the sender does: write, sign, offer, withdraw, answer.

use std::collections::BTreeMap;

use super::{Answer, Draft, Refusal, Written, WrittenItem, bounded, said};
use crate::handoff::checks::{Finding, Level};
use crate::handoff::event::{Event, Overridden};
use crate::handoff::record::{Dismissed, DraftedItem, Fact, ITEMS_MAX, Item, LINES_MAX, Record, STATEMENT_LETTERS_MAX};
use crate::handoff::state::Phase;
use crate::id::{Digest, ItemKey};
use crate::run::event::Actor;

impl Draft {
    pub(super) fn write(&mut self, revision: u32, what: &Written, by: &Actor) -> Answer {
        self.only_sender(by)?;
        self.can_be_written()?;
        if revision != self.state.revision {
            return Err(Refusal::Stale);
        }
        let mut record = self.state.record.clone();
        match what {
            Written::Overview { overview, upcoming } => {
                record.overview = bounded(overview)?;
                record.upcoming = bounded(upcoming)?;
                record.quiet = false;
            }
            Written::Quiet { overview } => self.quiet(&mut record, overview)?,
            Written::Item { key, item } => {
                self.item_is_there(key)?;
                let found = record.item_mut(key).expect("it was just found");
                put(found, item)?;
            }
            Written::NewItem { key, title } => new_item(&mut record, key, title)?,
            Written::Dismiss { key, reason } => self.dismiss(&mut record, key, reason)?,
            Written::HideFact { key, fact, reason } => hide(&mut record, key, fact, reason)?,
        }
        if record != self.state.record {
            let revision = self.state.revision + 1;
            self.emit(Event::RecordRevised { revision, record: Box::new(record), by: by.clone() });
        }
        Ok(())
    }

    fn can_be_written(&self) -> Answer {
        match &self.state.phase {
            Phase::Closed { .. } => Err(Refusal::NotNow("the next handoff was signed; write it there".to_owned())),
            Phase::Void { reason, .. } => Err(Refusal::NotNow(format!("this handoff is void: {reason}"))),
            Phase::Draft
            | Phase::Ready
            | Phase::Offered
            | Phase::Questioned
            | Phase::Acknowledged
            | Phase::Amended(_)
            | Phase::TakenUnbriefed => Ok(()),
        }
    }

    #[expect(clippy::unused_self, reason = "beside its siblings, in the same form")]
    fn quiet(&self, record: &mut Record, overview: &str) -> Answer {
        if !record.items.is_empty() {
            let count = record.items.len();
            return Err(Refusal::Wrong(format!(
                "{count} items are in the draft: dismiss each with a reason, or write them"
            )));
        }
        record.overview = said(overview, "say in one line how the shift was")?;
        record.quiet = true;
        Ok(())
    }

    fn dismiss(&self, record: &mut Record, key: &ItemKey, reason: &str) -> Answer {
        self.item_is_there(key)?;
        let held = self.state.custody.get(key).map(|custody| &custody.holder);
        if held.is_some_and(|holder| holder.person() != self.state.shift.outgoing.person()) {
            return Err(Refusal::NotNow(format!("{key} is held by somebody else now; it is not yours to take out")));
        }
        let reason = said(reason, "say why it need not be handed over")?;
        let at = record.items.iter().position(|item| item.key == *key).expect("it was just found");
        let item = record.items.remove(at);
        record.dismissed.push(Dismissed { key: item.key, title: item.title, reason, runs: item.runs });
        Ok(())
    }

    pub(super) fn refresh(&mut self, items: &[DraftedItem], facts: &[Fact], by: &Actor) -> Answer {
        self.only_sender(by)?;
        if self.state.phase != Phase::Draft {
            return Err(Refusal::NotNow("facts are fetched while the draft is written".to_owned()));
        }
        let mut record = self.state.record.clone();
        record.take_facts(items, facts);
        if record != self.state.record {
            self.emit(Event::FactsDrafted { items: items.to_vec(), facts: facts.to_vec() });
        }
        Ok(())
    }

    pub(super) fn sign(
        &mut self,
        digest: Digest,
        findings: &[Finding],
        reasons: &BTreeMap<String, String>,
        by: &Actor,
    ) -> Answer {
        self.only_sender(by)?;
        self.can_be_written()?;
        if digest != self.state.digest() {
            return Err(Refusal::Stale);
        }
        if self.state.is_signed() {
            return Ok(());
        }
        let mut overridden = Vec::new();
        let mut open = Vec::new();
        // In an emergency one sentence and the list are enough; the rest is owed.
        let binding = findings.iter().filter(|found| found.level == Level::Error && self.state.emergency.is_none());
        for found in binding {
            match reasons.get(&found.name()).map(|reason| reason.trim()).filter(|reason| !reason.is_empty()) {
                Some(reason) => overridden.push(Overridden {
                    check: found.check.to_owned(),
                    item: found.item.clone(),
                    reason: bounded(reason)?,
                }),
                None => open.push(found.clone()),
            }
        }
        if !open.is_empty() {
            return Err(Refusal::Checks(open));
        }
        let revision = self.state.revision;
        self.emit(Event::RecordSigned { revision, digest, overridden, by: by.clone() });
        Ok(())
    }

    pub(super) fn offer(&mut self, by: &Actor) -> Answer {
        self.only_sender(by)?;
        if self.state.phase != Phase::Ready || !self.state.is_signed() {
            return Err(Refusal::NotNow("sign it first: what is offered is what you signed".to_owned()));
        }
        self.emit(Event::HandoffOffered { by: Some(by.clone()) });
        Ok(())
    }

    pub(super) fn withdraw(&mut self, reason: &str, by: &Actor) -> Answer {
        self.only_sender(by)?;
        match self.state.phase {
            Phase::Ready | Phase::Offered | Phase::Questioned => {}
            Phase::Draft
            | Phase::Acknowledged
            | Phase::Amended(_)
            | Phase::TakenUnbriefed
            | Phase::Closed { .. }
            | Phase::Void { .. } => return Err(Refusal::NotNow("nothing is on offer".to_owned())),
        }
        let reason = said(reason, "say why it is taken back")?;
        self.emit(Event::OfferWithdrawn { reason, by: by.clone() });
        Ok(())
    }

    pub(super) fn answer(&mut self, question: u32, text: &str, by: &Actor) -> Answer {
        self.only_sender(by)?;
        if !self.state.open_questions().any(|(number, _)| number == question) {
            return Err(Refusal::Wrong(format!("there is no open question {question}")));
        }
        let text = said(text, "write the answer")?;
        self.emit(Event::QuestionAnswered { question, text, by: by.clone() });
        Ok(())
    }

    pub(super) fn settle(&mut self, item: &ItemKey, by: &Actor) -> Answer {
        self.only_sender(by)?;
        let receipt = self.state.receipt(item).and_then(|receipt| receipt.read_back.as_ref());
        match receipt {
            Some(read_back) if !read_back.differs.is_empty() && !read_back.settled => {
                self.emit(Event::ReadBackSettled { item: item.clone(), by: by.clone() });
                Ok(())
            }
            Some(_) => Err(Refusal::NotNow("the read-back agrees with the item already".to_owned())),
            None => Err(Refusal::NotNow(format!("{item} was not read back yet"))),
        }
    }
}

fn new_item(record: &mut Record, key: &ItemKey, title: &str) -> Answer {
    if record.items.len() >= ITEMS_MAX {
        return Err(Refusal::Wrong(format!(
            "a handoff has at most {ITEMS_MAX} items: put what belongs together into one"
        )));
    }
    if record.item(key).is_some() {
        return Err(Refusal::Wrong(format!("there is an item {key} already")));
    }
    let title = said(title, "give the item a name")?;
    record.quiet = false;
    record.dismissed.retain(|gone| gone.key != *key);
    record.items.push(Item::titled(key.clone(), title));
    Ok(())
}

fn hide(record: &mut Record, key: &ItemKey, fact: &str, reason: &str) -> Answer {
    let reason = said(reason, "say why the fact is hidden; the reason is kept with it")?;
    let item = record.item_mut(key).ok_or_else(|| Refusal::Wrong(format!("this handoff has no item {key}")))?;
    let found = item.summary.history.iter_mut().find(|known| known.name() == fact);
    let found = found.ok_or_else(|| Refusal::Wrong(format!("{key} has no such fact")))?;
    found.hidden = Some(reason);
    Ok(())
}

fn put(item: &mut Item, written: &WrittenItem) -> Answer {
    item.title = said(&written.title, "give the item a name")?;
    item.severity = written.severity;
    item.severity_basis = bounded(&written.severity_basis)?;
    let statement = bounded(&written.statement)?;
    let letters = statement.chars().count();
    if letters > STATEMENT_LETTERS_MAX {
        return Err(Refusal::Wrong(format!(
            "the statement has {letters} letters; one or two sentences have {STATEMENT_LETTERS_MAX}"
        )));
    }
    item.summary.statement = statement;
    item.summary.tried = bounded(&written.tried)?;
    item.summary.assessment = bounded(&written.assessment)?;
    item.summary.plan = bounded(&written.plan)?;
    item.summary.decision = bounded(&written.decision)?;
    if written.actions.len() > LINES_MAX || written.contingencies.len() > LINES_MAX {
        return Err(Refusal::Wrong(format!("an item has at most {LINES_MAX} actions, and as many if–then")));
    }
    for action in &written.actions {
        said(&action.text, "an action says what is to be done")?;
    }
    for line in &written.contingencies {
        said(&line.condition, "an if–then has an if")?;
    }
    item.actions.clone_from(&written.actions);
    item.contingencies.clone_from(&written.contingencies);
    Ok(())
}
