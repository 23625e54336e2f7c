//! Q4: a statement of one or two sentences; assessment and plan; a plan with a time or a condition.

use super::is_blank;
use super::{Check, Finding, World};
use crate::handoff::record::Severity;
use crate::handoff::state::State;

pub const CHECK: Check = Check { id: "Q4", title: "The summary says what is, what it means and what is planned", run };

const SENTENCES_MAX: usize = 2;

fn run(state: &State, _world: &World) -> Vec<Finding> {
    let mut findings = Vec::new();
    for item in state.record.items.iter().filter(|item| item.severity != Some(Severity::Stable)) {
        let summary = &item.summary;
        for (text, what) in [(&summary.assessment, "what you make of it"), (&summary.plan, "the plan")] {
            if is_blank(text) {
                findings.push(Finding::error("Q4", format!("write {what}")).about(item));
            }
        }
        if sentences(&summary.statement) > SENTENCES_MAX {
            findings.push(Finding::warning("Q4", "the statement is longer than two sentences").about(item));
        }
        if !is_blank(&summary.plan) && !has_time_or_condition(&summary.plan) {
            let what = "the plan names neither a time nor a condition: until when, unless what?";
            findings.push(Finding::warning("Q4", what).about(item));
        }
    }
    findings
}

fn sentences(text: &str) -> usize {
    text.split(['.', '!', '?']).filter(|part| part.split_whitespace().count() > 1).count()
}

fn has_time_or_condition(plan: &str) -> bool {
    let lower = plan.to_lowercase();
    let words = ["if", "until", "unless", "when", "once", "after", "before", "while", "as soon"];
    lower.chars().any(|letter| letter.is_ascii_digit())
        || words.iter().any(|word| lower.split(|letter: char| !letter.is_alphanumeric()).any(|said| said == *word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::checks::sample::{finds, finds_in};

    #[test]
    fn a_plan_without_a_condition_is_advised_and_none_at_all_is_refused() {
        assert_eq!(finds(&CHECK, |_| {}), "");
        assert!(finds(&CHECK, |item| item.summary.plan.clear()).starts_with("Error Q4 web.disk-full: write the plan"));
        assert!(finds(&CHECK, |item| item.summary.plan = "Watch it".into()).starts_with("Warning"));
        let long = "It is so. And it is so. And so on it goes.";
        assert!(finds(&CHECK, |item| item.summary.statement = long.into()).contains("two sentences"));
        assert!(finds_in(&CHECK, |state, _| state.record.items[0].summary.assessment.clear()).contains("make of it"));
    }
}
