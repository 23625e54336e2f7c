//! What happens after somebody has taken it: objecting to what was heard, and work on the actions.

use super::{Answer, Draft, Refusal, said};
use crate::handoff::event::{ActionChange, Event};
use crate::handoff::state::Phase;
use crate::handoff::timing::OBJECT_WITHIN_MS;
use crate::id::ItemKey;
use crate::run::event::Actor;

impl Draft {
    /// The loop is closed by the sender's silence for half an hour, or opened again by this.
    pub(super) fn object(&mut self, item: &ItemKey, reason: &str, by: &Actor) -> Answer {
        self.only_sender(by)?;
        self.item_is_there(item)?;
        let acknowledged = self.state.acknowledged.as_ref();
        let taken = acknowledged.filter(|_| matches!(self.state.phase, Phase::Acknowledged | Phase::Amended(_)));
        let Some(acknowledged) = taken else {
            return Err(Refusal::NotNow("nothing was acknowledged that could be objected to".to_owned()));
        };
        if self.now_ms > acknowledged.at_ms + OBJECT_WITHIN_MS {
            return Err(Refusal::NotNow("the half hour for objecting is over: amend the item, or call".to_owned()));
        }
        let reason = said(reason, "say what was heard wrong")?;
        self.emit(Event::ReadBackObjected { item: item.clone(), reason, by: by.clone() });
        Ok(())
    }

    /// Whoever holds an item takes, moves and finishes its actions.
    pub(super) fn change_action(&mut self, item: &ItemKey, action: u32, change: &ActionChange, by: &Actor) -> Answer {
        self.item_is_there(item)?;
        let holder = self.state.custody.get(item).map(|custody| custody.holder.clone());
        let holder = holder.ok_or_else(|| Refusal::Wrong(format!("nobody holds {item}")))?;
        if holder.person() != by.person() {
            return Err(Refusal::NotYours(format!("{item} is held by {holder}, who changes its actions")));
        }
        if !matches!(self.state.phase, Phase::Acknowledged | Phase::TakenUnbriefed | Phase::Amended(_)) {
            return Err(Refusal::NotNow("until it is acknowledged, its sender writes the actions".to_owned()));
        }
        let known = self.state.record.item(item).map_or(0, |item| item.actions.len());
        if action as usize >= known {
            return Err(Refusal::Wrong(format!("{item} has {known} actions, and none of number {action}")));
        }
        let change = match change {
            ActionChange::OwnedBy(owner) => ActionChange::OwnedBy(said(owner, "name whose it is")?),
            ActionChange::Done => ActionChange::Done,
            ActionChange::DueAt(due) => ActionChange::DueAt(due.clone()),
        };
        self.emit(Event::ActionChanged { item: item.clone(), action, change, by: by.clone() });
        Ok(())
    }
}
