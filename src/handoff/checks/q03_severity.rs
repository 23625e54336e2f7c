//! Q3: unstable and watcher have a basis; stable contradicts a run that goes on.

use super::is_blank;
use super::{Check, Finding, World};
use crate::handoff::record::{Item, Severity};
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q3", title: "A severity has its basis, and nothing contradicts it", run };

fn run(state: &State, world: &World) -> Vec<Finding> {
    let mut findings = Vec::new();
    for item in &state.record.items {
        match item.severity {
            Some(Severity::Unstable | Severity::Watcher) if is_blank(&item.severity_basis) => {
                findings.push(Finding::error("Q3", "say what the severity rests on").about(item));
            }
            Some(Severity::Stable) => findings.extend(contradiction(item, world).map(|found| found.about(item))),
            Some(Severity::Unstable | Severity::Watcher) | None => {}
        }
    }
    findings
}

/// What is so right now, whatever the draft said.
fn contradiction(item: &Item, world: &World) -> Option<Finding> {
    let now = world.items.iter().find(|drafted| drafted.key == item.key)?;
    let fact = now.history.iter().find(|fact| fact.kind.contradicts_stable())?;
    Some(Finding::error("Q3", format!("it is called stable, but: {}", fact.text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn stable_beside_an_unfinished_run_is_a_contradiction_and_a_watcher_says_why() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        assert!(finds(&CHECK, |item| item.severity = Some(Severity::Stable)).contains("called stable, but: Disk full"));
        assert!(finds(&CHECK, |item| item.severity_basis.clear()).contains("rests on"));
        let over = |state: &mut State, world: &mut World| {
            state.record.items[0].severity = Some(Severity::Stable);
            world.items[0].history.clear();
        };
        assert_eq!(finds_in(&CHECK, over), "");
    }
}
