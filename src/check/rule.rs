//! What a rule is: a function with its reasons.

use super::subject::Subject;
use crate::diagnostic::Span;
use crate::diagnostic::{Diagnostic, Severity};

/// A rule. Its file in `rules/` is also its documentation: `steadyhand check --explain NAME` prints it.
#[derive(Debug)]
pub struct Rule {
    /// In kebab case, without the sub-id.
    pub name: &'static str,
    /// The heaviest that it reports.
    pub severity: Severity,
    /// The smallest profile that has it.
    pub profile: Profile,
    /// What it finds, as one sentence.
    pub what: &'static str,
    /// What goes wrong without it.
    pub why: &'static str,
    /// Where that is known from.
    pub source: &'static str,
    /// Lines of a runbook that it finds something in.
    pub bad: &'static str,
    /// The same lines as they should be.
    pub good: &'static str,
    pub finder: Finder,
}

/// Who finds what a rule is about.
#[derive(Debug, Clone, Copy)]
pub enum Finder {
    /// The parser: a runbook with such a finding is none, so it cannot be ignored.
    Parser,
    /// The reading of ignore comments: it cannot be ignored either.
    Comments,
    /// A function over the parsed runbook.
    Check(fn(&Subject<'_>) -> Vec<Diagnostic>),
}

/// How strict a check is. Each profile has the rules of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// It can be run at all.
    Min,
    /// It can be read under stress.
    Basic,
    /// It does no more than it says.
    Safety,
    /// A team can rely on it at night.
    Oncall,
}

impl Profile {
    pub const ALL: [Profile; 4] = [Self::Min, Self::Basic, Self::Safety, Self::Oncall];

    /// Rules of `other` run in this profile.
    pub fn includes(self, other: Self) -> bool {
        other <= self
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Basic => "basic",
            Self::Safety => "safety",
            Self::Oncall => "oncall",
        }
    }
}

impl Rule {
    /// What it finds in a runbook.
    pub fn find(&self, subject: &Subject<'_>) -> Vec<Diagnostic> {
        match self.finder {
            Finder::Parser | Finder::Comments => Vec::new(),
            Finder::Check(check) => check(subject),
        }
    }

    /// A finding of this rule.
    pub(super) fn finding(&self, subject: &Subject<'_>, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(self.name, self.severity, subject.file, span, message)
    }
}
