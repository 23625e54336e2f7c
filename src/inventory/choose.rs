//! Which hosts a run is for: by name or by selector, less what is excluded.

use crate::id::HostName;
use crate::inventory::Inventory;
use crate::inventory::selector::{Selector, SelectorError};
use crate::inventory::target::Target;
use crate::runbook::model::HostChoice;
use crate::yaml::suggestion;

/// How many labels or names a message lists before it says how many more there are.
const LISTED_MAX: usize = 12;

/// Why no hosts were chosen. Shown to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    #[error("no host {name} in the inventory{}", hint(suggestion))]
    UnknownHost { name: HostName, suggestion: Option<String> },
    #[error("no host matches `{selector}`. {labels}")]
    NothingMatches { selector: String, labels: String },
    #[error("the selector `{selector}` is wrong: {source}")]
    Selector { selector: String, source: SelectorError },
    #[error("every chosen host is excluded")]
    AllExcluded,
    #[error("no host is named")]
    NothingNamed,
}

fn hint(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|text| format!("; {text}")).unwrap_or_default()
}

impl Inventory {
    /// The hosts of these names, each once, in the order given.
    ///
    /// # Errors
    /// A name that is not in the inventory, or no name at all.
    pub fn by_names(&self, names: &[HostName]) -> Result<Vec<Target>, ChoiceError> {
        let mut chosen: Vec<Target> = Vec::new();
        for name in names {
            let target = self.get(name).ok_or_else(|| self.unknown(name))?;
            if chosen.iter().all(|other| other.name != *name) {
                chosen.push(target.clone());
            }
        }
        if chosen.is_empty() { Err(ChoiceError::NothingNamed) } else { Ok(chosen) }
    }

    /// The hosts that a selector matches, in the order of the inventory.
    ///
    /// # Errors
    /// Nothing matches: the message says which labels there are.
    pub fn select(&self, selector: &Selector) -> Result<Vec<Target>, ChoiceError> {
        let chosen: Vec<Target> =
            self.targets().iter().filter(|target| selector.matches(&target.labels)).cloned().collect();
        if chosen.is_empty() {
            return Err(ChoiceError::NothingMatches { selector: selector.to_string(), labels: self.labels_in_words() });
        }
        Ok(chosen)
    }

    /// Takes hosts out of a choice.
    ///
    /// # Errors
    /// An excluded name that is not in the inventory (a slip there would let the host be touched), or
    /// nothing left.
    pub fn exclude(&self, chosen: Vec<Target>, excluded: &[HostName]) -> Result<Vec<Target>, ChoiceError> {
        if let Some(name) = excluded.iter().find(|name| self.get(name).is_none()) {
            return Err(self.unknown(name));
        }
        let left: Vec<Target> = chosen.into_iter().filter(|target| !excluded.contains(&target.name)).collect();
        if left.is_empty() { Err(ChoiceError::AllExcluded) } else { Ok(left) }
    }

    /// What a runbook's `hosts` or a request chooses.
    ///
    /// # Errors
    /// As [`Inventory::by_names`], [`Inventory::select`] and [`Inventory::exclude`].
    pub fn choose(&self, choice: &HostChoice, excluded: &[HostName]) -> Result<Vec<Target>, ChoiceError> {
        let chosen = match choice {
            HostChoice::Names(names) => self.by_names(names)?,
            HostChoice::Select(text) => {
                let selector =
                    Selector::parse(text).map_err(|source| ChoiceError::Selector { selector: text.clone(), source })?;
                self.select(&selector)?
            }
        };
        self.exclude(chosen, excluded)
    }

    fn unknown(&self, name: &HostName) -> ChoiceError {
        let names: Vec<&str> = self.targets().iter().map(|target| target.name.as_str()).collect();
        ChoiceError::UnknownHost { name: name.clone(), suggestion: suggestion(name.as_str(), &names) }
    }

    fn labels_in_words(&self) -> String {
        if self.targets().is_empty() {
            return "The inventory has no hosts".to_owned();
        }
        let labels = self.labels();
        if labels.is_empty() {
            return "No host has a label".to_owned();
        }
        let mut words: Vec<String> = labels
            .iter()
            .take(LISTED_MAX)
            .map(|(key, values)| {
                let listed: Vec<&str> = values.iter().copied().take(LISTED_MAX).collect();
                let more = if values.len() > LISTED_MAX { ", …" } else { "" };
                format!("{key} ({}{more})", listed.join(", "))
            })
            .collect();
        if labels.len() > LISTED_MAX {
            words.push(format!("and {} more", labels.len() - LISTED_MAX));
        }
        format!("Labels there are: {}", words.join(", "))
    }
}
