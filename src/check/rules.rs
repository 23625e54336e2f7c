//! The register of rules. A rule is registered by its `mod` line and its line in [`RULES`]; forgetting the
//! second is a compiler warning (nothing uses the rule), which the build denies.

mod change_unverified;
mod destructive_no_preview;
mod effect_understated;
mod ignore_without_reason;
mod interactive_command;
mod owner_missing;
mod review_overdue;
mod secret_literal;
mod sudo_in_command;
mod template_in_command;
mod timeout_missing;
mod title_undiscoverable;
mod todo_marker;
mod unused_capture;
mod unused_ignore;

use super::rule::Rule;

pub(super) use ignore_without_reason::RULE as IGNORE_WITHOUT_REASON;
pub(super) use unused_ignore::RULE as UNUSED_IGNORE;

/// Every rule, by name.
pub static RULES: &[Rule] = &[
    change_unverified::RULE,
    destructive_no_preview::RULE,
    effect_understated::RULE,
    ignore_without_reason::RULE,
    interactive_command::RULE,
    owner_missing::RULE,
    review_overdue::RULE,
    secret_literal::RULE,
    sudo_in_command::RULE,
    template_in_command::RULE,
    timeout_missing::RULE,
    title_undiscoverable::RULE,
    todo_marker::RULE,
    unused_capture::RULE,
    unused_ignore::RULE,
];

/// The rule that a diagnostic's or an ignore comment's name stands for, with or without a sub-id.
pub fn rule(name: &str) -> Option<&'static Rule> {
    let name = name.split_once('[').map_or(name, |(rule, _)| rule);
    RULES.iter().find(|rule| rule.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_in_alphabetical_order_and_unique() {
        assert!(RULES.is_sorted_by(|one, other| one.name < other.name));
    }

    #[test]
    fn every_rule_says_what_why_and_how() {
        for rule in RULES {
            let docs = [rule.what, rule.why, rule.source, rule.bad, rule.good];
            assert!(docs.iter().all(|text| !text.trim().is_empty()), "{}", rule.name);
            assert_ne!(rule.bad, rule.good, "{}", rule.name);
        }
    }
}
