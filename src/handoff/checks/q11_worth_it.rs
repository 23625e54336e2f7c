//! Q11: an item without events, actions and if–then may go; one that was carried three times needs an owner.

use super::{Check, Finding, World};
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q11", title: "Each item is worth carrying on", run };

const CARRIED_MAX: u32 = 3;

fn run(state: &State, _world: &World) -> Vec<Finding> {
    let mut findings = Vec::new();
    for item in &state.record.items {
        if item.summary.history.is_empty() && item.actions.is_empty() && item.contingencies.is_empty() {
            let what = "nothing happened, nothing is to be done, nothing is feared: drop it?";
            findings.push(Finding::warning("Q11", what).about(item));
        }
        let times = item.carried.as_ref().map_or(0, |carried| carried.times);
        if times >= CARRIED_MAX {
            let what = format!("it was handed on {times} times: who owns it for good?");
            findings.push(Finding::warning("Q11", what).about(item));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn an_empty_item_and_one_that_wanders_are_advised() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let carried = crate::handoff::record::Carried { times: 3, since_ms: 0, was: None };
        assert!(finds(&CHECK, |item| item.carried = Some(carried)).contains("handed on 3 times"));
        let empty = |state: &mut State, _: &mut World| {
            let item = &mut state.record.items[0];
            item.summary.history.clear();
            item.actions.clear();
            item.contingencies.clear();
        };
        assert!(finds_in(&CHECK, empty).contains("drop it?"));
    }
}
