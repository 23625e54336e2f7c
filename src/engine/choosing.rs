//! Which hosts a start is for, and what a refusal says of them: a host that whoever asks may not see is not named.

use super::ask::{HostsAsked, StartError, StartRequest};
use crate::access::grant::Policy;
use crate::access::identity::Identity;
use crate::access::policy::{Denied, Permission, decide};
use crate::access::scope::{About, Scope};
use crate::id::{HostName, RunbookPath};
use crate::inventory::Inventory;
use crate::inventory::choose::ChoiceError;
use crate::inventory::selector::Selector;
use crate::inventory::target::Target;
use crate::run::freeze::server;
use crate::run::words::names;
use crate::runbook::model::Runbook;

/// The hosts that a run will be on.
pub struct Chosen {
    pub chosen: Vec<Target>,
    pub selection_size: u32,
}

/// What somebody may know of hosts: those on which they may see or start runs of the runbook.
pub struct Sight<'a> {
    pub policy: &'a Policy,
    pub who: &'a Identity,
    pub runbook: &'a RunbookPath,
    pub tags: &'a [String],
}

impl Sight<'_> {
    fn sees(&self, target: &Target) -> bool {
        let scope = Scope::of(self.runbook, self.tags, [target]);
        let may = |permission| decide(self.policy, self.who, permission, About::Run(&scope)).is_ok();
        may(Permission::ReadRuns) || may(Permission::StartRuns)
    }

    /// `web-1, web-2 and 3 that you may not see`.
    fn names(&self, targets: &[Target]) -> String {
        let seen: Vec<HostName> =
            targets.iter().filter(|target| self.sees(target)).map(|target| target.name.clone()).collect();
        match (seen.len(), targets.len() - seen.len()) {
            (_, 0) => names(&seen),
            (0, hidden) => format!("{hidden} that you may not see"),
            (_, hidden) => format!("{} and {hidden} that you may not see", names(&seen)),
        }
    }

    /// Hints of the inventory name hosts and labels: they are for who may see them all.
    fn words(&self, inventory: &Inventory, error: &ChoiceError) -> String {
        let sees_all = inventory.targets().iter().all(|target| self.sees(target));
        match error {
            ChoiceError::UnknownHost { name, .. } if !sees_all => format!("no host {name} in the inventory"),
            ChoiceError::NothingMatches { selector, .. } if !sees_all => format!("no host matches `{selector}`"),
            ChoiceError::UnknownHost { .. }
            | ChoiceError::NothingMatches { .. }
            | ChoiceError::Selector { .. }
            | ChoiceError::AllExcluded
            | ChoiceError::NothingNamed => error.to_string(),
        }
    }
}

/// Why somebody may not start a run on these hosts, without naming one that they may not see and did not name.
pub fn denied_words(sight: &Sight<'_>, hosts: &[Target], denied: &Denied) -> String {
    let Denied::NoGrant { actor, permission, host: Some(host) } = denied else { return denied.to_string() };
    // A delegate is named by the runbook itself, which whoever starts it may read.
    if hosts.iter().all(|target| target.name != *host || sight.sees(target)) {
        return denied.to_string();
    }
    format!(
        "{actor} may not {} on a host that it is for and that you may not see: no grant in access.yaml gives it",
        permission.words()
    )
}

/// The hosts of the run: those asked for, within what the runbook selects.
pub fn hosts(
    runbook: &Runbook,
    request: &StartRequest,
    inventory: &Inventory,
    sight: &Sight<'_>,
) -> Result<Chosen, StartError> {
    let refused = |error: ChoiceError| StartError::Hosts(sight.words(inventory, &error));
    let Some(wanted) = &runbook.hosts else {
        return match &request.hosts {
            HostsAsked::AsSelected => Ok(Chosen { chosen: vec![server()], selection_size: 1 }),
            HostsAsked::Names(_) | HostsAsked::Select(_) => {
                Err(StartError::Hosts("this runbook names no hosts: it runs on the server itself".to_owned()))
            }
        };
    };
    let selection = inventory.choose(&wanted.chosen, &wanted.exclude).map_err(refused)?;
    let chosen = match &request.hosts {
        HostsAsked::AsSelected => all_of(&selection, request.confirm_hosts, sight)?,
        HostsAsked::Names(names) => named(names, &selection, inventory, sight)?,
        HostsAsked::Select(text) => {
            let selector = Selector::parse(text).map_err(|error| StartError::Hosts(error.to_string()))?;
            let asked: Vec<Target> =
                selection.iter().filter(|target| selector.matches(&target.labels)).cloned().collect();
            if asked.is_empty() {
                let names = sight.names(&selection);
                return Err(StartError::Hosts(format!("`{text}` matches none of the runbook's hosts ({names})")));
            }
            asked
        }
    };
    Ok(Chosen { chosen, selection_size: u32::try_from(selection.len()).unwrap_or(u32::MAX) })
}

/// No host is preselected: more than one must be named or counted.
fn all_of(selection: &[Target], confirmed: Option<u32>, sight: &Sight<'_>) -> Result<Vec<Target>, StartError> {
    if selection.len() > 1 && confirmed.is_none() {
        return Err(StartError::Hosts(format!(
            "this runbook is for {} hosts ({}): say on which it shall run, or confirm their number for all of them",
            selection.len(),
            sight.names(selection)
        )));
    }
    Ok(selection.to_vec())
}

/// One that is hidden, one that is not selected and one that is not there are refused alike, to who may not see all.
fn named(
    asked: &[HostName],
    selection: &[Target],
    inventory: &Inventory,
    sight: &Sight<'_>,
) -> Result<Vec<Target>, StartError> {
    let sees_all = inventory.targets().iter().all(|target| sight.sees(target));
    if sees_all {
        inventory.by_names(asked).map_err(|error| StartError::Hosts(error.to_string()))?;
    }
    let is_known = |name: &HostName| selection.iter().any(|target| target.name == *name && sight.sees(target));
    if let Some(other) = asked.iter().find(|name| !is_known(name)) {
        return Err(StartError::Hosts(format!("{other} is not among the hosts that this runbook selects")));
    }
    inventory.by_names(asked).map_err(|error| StartError::Hosts(sight.words(inventory, &error)))
}

/// The hosts that only delegated commands run on. The runbook's text names them, and whoever starts it may read that.
pub fn delegates(runbook: &Runbook, inventory: &Inventory, hosts: &[Target]) -> Result<Vec<Target>, StartError> {
    let of_steps = runbook.steps.iter().filter_map(|step| step.delegate_to.clone());
    let of_preconditions = runbook.preconditions.iter().filter_map(|check| check.delegate_to.clone());
    let mut names: Vec<HostName> = of_steps.chain(of_preconditions).collect();
    names.sort();
    names.dedup();
    names.retain(|name| !hosts.iter().any(|host| host.name == *name));
    if names.is_empty() {
        return Ok(Vec::new());
    }
    inventory.by_names(&names).map_err(|error| match error {
        ChoiceError::UnknownHost { name, .. } => StartError::Hosts(format!("no host {name} in the inventory")),
        other => StartError::Hosts(other.to_string()),
    })
}
