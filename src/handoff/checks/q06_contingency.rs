//! Q6: each unstable and watcher item has an if–then whose “if” can be measured.

use super::is_blank;
use super::{Check, Finding, World};
use crate::handoff::record::{Item, Severity};
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q6", title: "What may turn bad has an if–then that can be measured", run };

fn run(state: &State, _world: &World) -> Vec<Finding> {
    let at_risk = state.record.items.iter().filter(|item| item.severity != Some(Severity::Stable));
    at_risk.flat_map(|item| wrong(item).into_iter().map(move |text| Finding::error("Q6", text).about(item))).collect()
}

fn wrong(item: &Item) -> Vec<String> {
    if item.contingencies.is_empty() {
        return vec!["write an if–then: what would you do when it turns bad?".to_owned()];
    }
    let mut wrong = Vec::new();
    for line in &item.contingencies {
        if !can_be_measured(&line.condition) {
            let condition = &line.condition;
            wrong.push(format!("“if {condition}” cannot be measured: name a number with its unit, or an alert"));
        }
        if is_blank(&line.then) && line.runbook.is_none() {
            wrong.push(format!("“if {}” has no then", line.condition));
        }
    }
    wrong
}

/// A number, or the name of an alert: a word in CamelCase, or after "alert".
fn can_be_measured(condition: &str) -> bool {
    let is_camel = |word: &str| word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase);
    condition.chars().any(|letter| letter.is_ascii_digit())
        || condition.split(|letter: char| !letter.is_alphanumeric()).any(is_camel)
        || condition.to_lowercase().contains("alert ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn an_if_without_a_number_or_an_alert_is_named() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        let says = |condition: &str| finds(&CHECK, |item| item.contingencies[0].condition = condition.to_owned());
        assert!(says("it gets worse").contains("cannot be measured"));
        for good in ["lag > 30 s", "NodeFilesystemFull fires", "the alert replica-lag fires"] {
            assert_eq!(says(good), "", "{good}");
        }
        let none = |state: &mut State, _: &mut World| state.record.items[0].contingencies.clear();
        assert!(finds_in(&CHECK, none).contains("write an if–then"));
    }
}
