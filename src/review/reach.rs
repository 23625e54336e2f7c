//! Which hosts a runbook reaches: its selector read against the inventory of its own commit.

use super::{Changes, Rating, Snapshot};
use crate::id::HostName;
use crate::inventory::ChoiceError;
use crate::run::words;
use crate::runbook::model::Runbook;

pub(super) fn compare(before: (&Snapshot, &Runbook), after: (&Snapshot, &Runbook), changes: &mut Changes) {
    changes.at("hosts");
    let max = |runbook: &Runbook| runbook.hosts.as_ref().and_then(|hosts| hosts.max);
    let why = "more hosts in one run";
    changes.limit("the most hosts of a run", [max(before.1), max(after.1)], ToString::to_string, why);
    match (&before.1.hosts, &after.1.hosts) {
        (Some(_), None) => {
            changes.note(Rating::MoreDangerous, "it runs on the server itself", "with the server's account")
        }
        (None, Some(_)) => {
            changes.note(Rating::Same, "it runs on hosts instead of the server itself", "they stand below")
        }
        _ => {}
    }
    let (old, new) = (reached(before), reached(after));
    match (old, new) {
        (Some(old), Some(new)) => told(&old, &new, changes),
        (_, None) if before.1.hosts != after.1.hosts => {
            let why = "nobody can say which hosts that is: the inventory cannot be read, or none fits";
            changes.note(Rating::MoreDangerous, "hosts are selected otherwise", why);
        }
        (None, Some(new)) => told(&[], &new, changes),
        (_, None) => {}
    }
}

fn told(old: &[HostName], new: &[HostName], changes: &mut Changes) {
    let only = |one: &[HostName], other: &[HostName]| -> Vec<HostName> {
        one.iter().filter(|name| !other.contains(name)).cloned().collect()
    };
    let (more, fewer) = (only(new, old), only(old, new));
    let (before, after) = (old.len(), new.len());
    if !more.is_empty() {
        let what = format!("reaches {before} → {after} hosts: also {}", words::names(&more));
        changes.note(Rating::MoreDangerous, what, "it can be run where it could not");
    }
    if !fewer.is_empty() {
        let what = format!("reaches {before} → {after} hosts: no longer {}", words::names(&fewer));
        changes.note(Rating::Safer, what, "it cannot be run where it could");
    }
}

/// None: the server itself, or nobody can say.
fn reached((snapshot, runbook): (&Snapshot, &Runbook)) -> Option<Vec<HostName>> {
    let hosts = runbook.hosts.as_ref()?;
    match snapshot.inventory.as_ref()?.choose(&hosts.chosen, &hosts.exclude) {
        Ok(chosen) => Some(chosen.into_iter().map(|target| target.name).collect()),
        Err(ChoiceError::NothingMatches { .. } | ChoiceError::AllExcluded) => Some(Vec::new()),
        Err(_) => None,
    }
}
