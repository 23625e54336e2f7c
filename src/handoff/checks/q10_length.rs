//! Q10: it reads in about two minutes; over seven items that are not stable, a lead should know.

use super::{Check, Finding, World};
use crate::handoff::record::{Item, Severity};
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q10", title: "It can be read in about two minutes", run };

/// People read about 230 words a minute.
const WORDS_MAX: usize = 460;

const RESTLESS_MAX: usize = 7;

fn run(state: &State, _world: &World) -> Vec<Finding> {
    let record = &state.record;
    let mut findings = Vec::new();
    let words: usize = record.items.iter().flat_map(Item::written).map(|text| text.split_whitespace().count()).sum();
    if words > WORDS_MAX {
        let minutes = words.div_ceil(WORDS_MAX / 2);
        findings.push(Finding::warning("Q10", format!("it has {words} words, about {minutes} minutes: what can go?")));
    }
    let restless = record.items.iter().filter(|item| item.severity != Some(Severity::Stable)).count();
    if restless > RESTLESS_MAX {
        let what = format!("{restless} items are not stable: is this more than one person can hold? Tell the lead");
        findings.push(Finding::warning("Q10", what));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn a_long_one_and_one_of_eight_restless_items_are_advised() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        assert!(finds(&CHECK, |item| item.summary.tried = "word ".repeat(500)).contains("3 minutes"));
        let many = |state: &mut State, _: &mut World| state.record.items = vec![state.record.items[0].clone(); 8];
        assert!(finds_in(&CHECK, many).contains("Tell the lead"));
    }
}
