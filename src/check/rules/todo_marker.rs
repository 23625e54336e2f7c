//! `todo-marker`: a part that was never written.

use std::sync::LazyLock;

use regex::Regex;

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::subject::Subject;
use crate::diagnostic::Span;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule {
    name: "todo-marker",
    severity: Severity::Error,
    profile: Profile::Basic,
    what: "The text says TODO, TBD, FIXME, `Command needed` or `<insert …`.",
    why: "The gap is found by whoever needs it during the incident.",
    source: "The published Prometheus runbooks: 19 of 108 still say TODO, the one for a full disk where its commands \
             should be.",
    bad: "- id: free\n  name: Free some space\n  manual: TODO describe what may be deleted",
    good: "- id: free\n  name: Free some space\n  manual: Delete the core dumps below /var/crash.",
    finder: Finder::Check(check),
};

static MARKER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:TODO|TBD|FIXME)\b|(?i:\bcommand needed\b)|(?i:<insert\b)").expect("the pattern is valid")
});

/// Comments of the YAML are for its authors; everything else is read by whoever follows the runbook.
fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let in_comment =
        |at: usize| subject.comments.iter().any(|comment| (comment.span.start..comment.span.end).contains(&at));
    MARKER
        .find_iter(subject.text)
        .filter(|marker| !in_comment(marker.start()))
        .map(|marker| {
            let span = Span::within(subject.text, marker.start(), marker.end());
            RULE.finding(subject, span, format!("{:?} marks a part that is not written yet", marker.as_str()))
                .help("write it, or delete the step until someone knows it")
        })
        .collect()
}
