//! Q12: facts are fetched again at signing; what changed is marked, and matters where a severity rests on it.

use super::{Check, Finding, World};
use crate::handoff::record::Item;
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q12", title: "What was judged is still so", run };

fn run(state: &State, world: &World) -> Vec<Finding> {
    state.record.items.iter().flat_map(|item| of_item(item, world)).collect()
}

fn of_item(item: &Item, world: &World) -> Vec<Finding> {
    let none = Vec::new();
    let now = world.items.iter().find(|drafted| drafted.key == item.key).map_or(&none, |drafted| &drafted.history);
    let shown = item.summary.history.iter().filter(|fact| fact.hidden.is_none());
    let changed = shown.filter_map(|fact| {
        let fresh = now.iter().find(|fresh| fresh.is_about(fact));
        let text = match fresh {
            Some(fresh) if fresh.text == fact.text => return None,
            Some(fresh) => format!("it said “{}”, and now it is “{}”: fetch the facts again", fact.text, fresh.text),
            None if fact.was.is_some() || item.runs.is_empty() => return None,
            None => format!("no longer so: “{}”: fetch the facts again", fact.text),
        };
        let rests = item.severity.is_some() && fact.kind.must_be_told();
        Some(if rests { Finding::error("Q12", text) } else { Finding::warning("Q12", text) })
    });
    changed.map(|found| found.about(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn a_run_that_went_on_since_the_draft_is_told() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let went_on = |_: &mut State, world: &mut World| world.items[0].history[0].text = "It failed".to_owned();
        assert!(finds_in(&CHECK, went_on).starts_with("Error Q12 web.disk-full: it said"));
        let hidden = finds(&CHECK, |item| {
            item.summary.history[0].text = "Something else".to_owned();
            item.summary.history[0].hidden = Some("noise".to_owned());
        });
        assert_eq!(hidden, "");
    }
}
