//! What a lead does, and what anybody may: pass custody with a reason, comment, void.

use std::collections::BTreeMap;

use super::receive::of_these;
use super::{Answer, Draft, Refusal, Request, said};
use crate::handoff::event::{Event, Passed};
use crate::handoff::state::Phase;
use crate::id::{HandoffId, ItemKey, RunId};
use crate::run::event::Actor;

/// Comments of one handoff.
const COMMENTS_MAX: usize = 50;

impl Draft {
    pub(super) fn force(
        &mut self,
        item: &ItemKey,
        to: &Actor,
        reason: &str,
        wheels: &BTreeMap<RunId, u64>,
        by: &Actor,
    ) -> Answer {
        self.item_is_there(item)?;
        if let Phase::Void { reason, .. } = &self.state.phase {
            return Err(Refusal::NotNow(format!("this handoff is void: {reason}")));
        }
        let reason = said(reason, "say why it passes without the receiver's word")?;
        let from = self.state.custody.get(item).map(|custody| custody.holder.clone());
        let from = from.ok_or_else(|| Refusal::Wrong(format!("nobody holds {item}")))?;
        if from.person() == to.person() {
            return Err(Refusal::NotNow(format!("{to} holds {item} already")));
        }
        let runs = self.state.record.item(item).map(|item| item.runs.clone()).unwrap_or_default();
        let passed = vec![Passed { item: item.clone(), from, to: to.clone(), wheels: of_these(&runs, wheels) }];
        self.emit(Event::CustodyForced { passed, reason, by: by.clone() });
        Ok(())
    }

    pub(super) fn comment(&mut self, text: &str, by: &Actor) -> Answer {
        if self.state.comments.len() >= COMMENTS_MAX {
            return Err(Refusal::NotNow(format!("{COMMENTS_MAX} comments are here already: talk")));
        }
        let text = said(text, "write the comment")?;
        self.emit(Event::CommentMade { text, by: by.clone() });
        Ok(())
    }

    /// The schedule changed, or it was begun by mistake. What was acknowledged stands.
    pub(super) fn void(&mut self, reason: &str, successor: Option<HandoffId>, request: &Request) -> Answer {
        if !request.may_force {
            self.only_sender(&request.by)?;
        }
        if !matches!(self.state.phase, Phase::Draft | Phase::Ready | Phase::Offered | Phase::Questioned) {
            return Err(Refusal::NotNow("what somebody has taken is not made void".to_owned()));
        }
        let reason = said(reason, "say why it is void")?;
        self.emit(Event::HandoffVoided { reason, successor, by: Some(request.by.clone()) });
        Ok(())
    }
}
