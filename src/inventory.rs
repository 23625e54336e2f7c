//! The hosts that runbooks may touch: names, labels, and how each is reached. Pure: reading files and
//! running commands is `library`'s.
//!
//! The way of a host: a source states an [`entry::Entry`] ([`parse`] for `inventory.yaml`, [`ansible`],
//! [`ssh_config`]), [`resolve`] fills in the defaults and the jumps, and a run chooses [`Target`]s.

pub mod ansible;
pub mod choose;
pub mod entry;
pub mod host_key;
pub mod known_hosts;
pub mod parse;
pub mod resolve;
pub mod schema;
pub mod selector;
pub mod ssh_config;
pub mod target;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use choose::ChoiceError;
pub use entry::Base;
pub use parse::{ParsedInventory, parse};
pub use schema::schema;
pub use selector::{Selector, SelectorError};

use crate::id::HostName;
use target::Target;

/// The most hosts of an inventory. A page with more is of no use to anyone, and plans are frozen from it.
pub const HOSTS_MAX: usize = 10_000;

/// All hosts, in the order of the file and then of its sources; names are unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    targets: Vec<Target>,
    index: BTreeMap<HostName, usize>,
}

impl Inventory {
    /// Of targets whose names differ; of two with one name, the first is found by it.
    pub fn new(targets: Vec<Target>) -> Self {
        let index = targets.iter().enumerate().rev().map(|(at, target)| (target.name.clone(), at)).collect();
        Self { targets, index }
    }

    /// All hosts in order.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The host of that name.
    pub fn get(&self, name: &HostName) -> Option<&Target> {
        self.index.get(name).map(|at| &self.targets[*at])
    }

    /// Every label with its values, for people who write a selector.
    pub fn labels(&self) -> BTreeMap<&str, std::collections::BTreeSet<&str>> {
        let mut labels: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
        for (key, value) in self.targets.iter().flat_map(|target| &target.labels) {
            labels.entry(key).or_default().insert(value);
        }
        labels
    }
}
