//! `unused-ignore`: an ignore comment that ignores nothing. Found while ignore comments are applied.

use crate::check::rule::{Finder, Profile, Rule};
use crate::diagnostic::Severity;

pub(in crate::check) const RULE: Rule = Rule {
    name: "unused-ignore",
    severity: Severity::Warning,
    profile: Profile::Oncall,
    what: "An ignore comment ignores nothing: no such finding is there any more, or the rule's name or the comment is \
           misspelt. Misspelt ones are found in every profile.",
    why: "It says that something is wrong here and accepted, which is not so; and it would hide the finding that comes \
          later.",
    source: "Rust's `unfulfilled_lint_expectations`, ESLint's `--report-unused-disable-directives`.",
    bad: "summary: Free space.  # steadyhand: ignore[todo-marker] the part is being written",
    good: "summary: Free space.",
    finder: Finder::Comments,
};
