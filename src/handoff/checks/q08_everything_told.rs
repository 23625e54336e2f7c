//! Q8: every unfinished, failed or unknown run of the shift is in an item or was dismissed with a reason.

use super::{Check, Finding, World};
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q8", title: "Nothing of the shift is left untold", run };

fn run(state: &State, world: &World) -> Vec<Finding> {
    let all = world.items.iter().flat_map(|item| &item.history).chain(&world.facts);
    let untold = all.filter(|fact| fact.kind.must_be_told() && !state.record.tells_of(fact.evidence.run));
    untold.map(|fact| Finding::error("Q8", format!("not in any item, and not dismissed: {}", fact.text))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn a_run_that_came_after_the_draft_is_named_until_it_is_in_or_dismissed() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let gone = |state: &mut State, _: &mut World| state.record.items.clear();
        assert!(finds_in(&CHECK, gone).contains("not dismissed: Disk full on web-1"));
        let dismissed = |state: &mut State, _: &mut World| {
            let item = state.record.items.remove(0);
            let (key, title, runs) = (item.key, item.title, item.runs);
            state.record.dismissed.push(crate::handoff::record::Dismissed {
                key,
                title,
                reason: "a drill".into(),
                runs,
            });
        };
        assert_eq!(finds_in(&CHECK, dismissed), "");
    }
}
