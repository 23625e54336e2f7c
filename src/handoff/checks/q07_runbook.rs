//! Q7: the runbook of an action or an if–then exists at its commit, checks clean, and the receiver may run it.

use super::runbook_name;
use super::{Check, Finding, World};
use crate::handoff::record::RunbookRef;
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q7", title: "A runbook that is named can be started by the receiver", run };

fn run(state: &State, world: &World) -> Vec<Finding> {
    let named = state.record.items.iter().flat_map(|item| {
        let actions = item.actions.iter().filter(|action| !action.done).filter_map(|action| action.runbook.as_ref());
        actions
            .chain(item.contingencies.iter().filter_map(|line| line.runbook.as_ref()))
            .map(move |runbook| (item, runbook))
    });
    named.flat_map(|(item, runbook)| of_one(runbook, world).into_iter().map(move |found| found.about(item))).collect()
}

fn of_one(runbook: &RunbookRef, world: &World) -> Vec<Finding> {
    let path = &runbook.path;
    let Some(standing) = world.runbooks.get(&runbook_name(runbook)).filter(|standing| standing.exists) else {
        let at = runbook.commit.as_deref().unwrap_or("what is served");
        return vec![Finding::error("Q7", format!("there is no runbook {path} at {at}"))];
    };
    let mut findings = Vec::new();
    if !standing.is_clean {
        findings.push(Finding::error("Q7", format!("{path} has problems and cannot run: steadyhand check says which")));
    }
    if !standing.receiver_may_start {
        findings
            .push(Finding::error("Q7", format!("the receiver may not start {path}: name another, or have it granted")));
    }
    if !standing.wrong_inputs.is_empty() {
        let inputs = standing.wrong_inputs.join(", ");
        findings.push(Finding::error("Q7", format!("{path} has no such inputs: {inputs}")));
    }
    if let Some(newer) = &standing.newer_commit {
        findings.push(Finding::warning("Q7", format!("{path} has changed since: {newer} is newer")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn a_runbook_that_is_gone_broken_or_closed_to_the_receiver_is_named() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let with = |change: fn(&mut crate::handoff::checks::Standing)| {
            finds_in(&CHECK, |_, world| world.runbooks.values_mut().for_each(change))
        };
        assert!(with(|standing| standing.exists = false).contains("no runbook web/disk-full"));
        assert!(with(|standing| standing.is_clean = false).contains("cannot run"));
        assert!(with(|standing| standing.receiver_may_start = false).contains("may not start"));
        assert!(with(|standing| standing.wrong_inputs = vec!["mnt".into()]).contains("mnt"));
        assert!(with(|standing| standing.newer_commit = Some("9f".into())).starts_with("Warning"));
    }
}
