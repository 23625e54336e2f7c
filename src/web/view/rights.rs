//! The run page for somebody who may not do all of it: what they may not is not offered, and the page says why.

use crate::run::event::Actor;
use crate::run::view::{Need, RunView};
use crate::run::words;
use crate::web::view::around::needs;
use crate::web::view::run::RunPage;
use crate::web::view::step::StepForms;

/// What whoever looks may do to the run besides looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    pub act: bool,
    pub approve: bool,
    pub share: bool,
}

impl RunPage {
    /// The same page for somebody with these rights.
    #[must_use]
    pub fn limited_to(mut self, rights: Rights, view: &RunView, viewer: &Actor) -> Self {
        self.facts.may_share = rights.share;
        self.needs = needs(view, viewer, rights);
        let current = self.current.as_mut();
        let cards = [self.need.as_mut(), current.and_then(|step| step.need.as_mut())];
        for approve in cards.into_iter().flatten().filter_map(|card| card.approve.as_mut()) {
            approve.may_vote = rights.approve;
            approve.may_withdraw = rights.act;
        }
        if rights.act {
            return self;
        }
        self.stop = None;
        self.idle = None;
        self.wheel.iter_mut().for_each(|wheel| wheel.may_take = false);
        let asks_for_approval = matches!(view.waiting, Some(Need::Approve { .. }));
        if !asks_for_approval {
            self.need = None;
        }
        let lines = [&mut self.folded, &mut self.earlier, &mut self.later];
        lines.into_iter().flatten().for_each(|step| step.actions = StepForms::default());
        if let Some(step) = &mut self.current {
            step.actions = StepForms::default();
            if !asks_for_approval {
                step.need = None;
            }
        }
        self.watching = (view.ended_at_ms.is_none()).then(|| match &view.waiting {
            Some(need) => format!("You may look at this run, not act on it. It waits: {}.", words::waiting(need)),
            None => "You may look at this run, not act on it.".to_owned(),
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::web::view::samples;

    #[test]
    fn who_may_only_look_is_offered_nothing_to_do() {
        let watched = samples::all().into_iter().filter(|sample| sample.name.ends_with("-watched"));
        let mut count = 0;
        for sample in watched {
            let html = sample.html.expect("it is drawn");
            let form = html.lines().find(|line| line.contains("/actions\"") || line.contains("/approvals\""));
            assert_eq!(form, None, "{}", sample.name);
            count += 1;
        }
        assert!(count > 5, "{count}");
    }
}
