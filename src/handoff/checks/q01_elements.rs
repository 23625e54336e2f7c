//! Q1: all five elements are there, in writing.

use super::is_blank;
use super::{Check, Finding, World};
use crate::handoff::record::{Item, Severity};
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q1", title: "All five elements are there, in writing", run };

fn run(state: &State, _world: &World) -> Vec<Finding> {
    let record = &state.record;
    let mut findings = Vec::new();
    if is_blank(&record.overview) {
        findings.push(Finding::error("Q1", "say in one sentence how the shift was"));
    }
    if record.items.is_empty() && !record.quiet {
        findings.push(Finding::error("Q1", "there is no item: add one, or say that the shift was quiet"));
    }
    for item in &record.items {
        let lacks = lacks(item);
        if !lacks.is_empty() {
            findings.push(Finding::error("Q1", format!("{} is missing", lacks.join(", "))).about(item));
        }
    }
    findings
}

/// Actions and if–then may be none where the item is stable; a judgement never is.
fn lacks(item: &Item) -> Vec<&'static str> {
    let is_stable = item.severity == Some(Severity::Stable);
    let elements = [
        (item.severity.is_none(), "the severity"),
        (is_blank(&item.summary.statement), "the statement"),
        (item.actions.is_empty() && !is_stable, "an action"),
        (item.contingencies.is_empty() && !is_stable, "an if–then"),
    ];
    elements.into_iter().filter_map(|(lacks, what)| lacks.then_some(what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn a_blank_element_is_named() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let found = finds(&CHECK, |item| (item.severity, item.actions) = (None, Vec::new()));
        assert_eq!(found, "Error Q1 web.disk-full: the severity, an action is missing");
        assert!(finds_in(&CHECK, |state, _| state.record.overview.clear()).contains("one sentence"));
        assert!(finds_in(&CHECK, |state, _| state.record.items.clear()).contains("quiet"));
    }
}
