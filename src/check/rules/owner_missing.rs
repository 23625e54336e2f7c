//! `owner-missing`: nobody answers for the runbook.

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};

pub(in crate::check) const RULE: Rule = Rule {
    name: "owner-missing",
    severity: Severity::Error,
    profile: Profile::Oncall,
    what: "The runbook names no owner.",
    why: "A runbook that nobody owns is not corrected after an incident, and whoever is stuck in it at night has \
          nobody to ask.",
    source: "GitLab's public runbooks: the service catalogue beside them names the owning team of every service.",
    bad: "name: Disk full on a web host",
    good: "name: Disk full on a web host\nowner: team:web",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    if subject.runbook.owner.is_some() {
        return Vec::new();
    }
    let finding = RULE.finding(subject, subject.key("name"), "nobody owns this runbook");
    vec![finding.help("add `owner: team:NAME` or `owner: user:NAME`")]
}
