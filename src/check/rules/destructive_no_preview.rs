//! `destructive-no-preview`: something is destroyed sight unseen.

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};
use crate::runbook::model::{Action, Effect};

pub(in crate::check) const RULE: Rule = Rule {
    name: "destructive-no-preview",
    severity: Severity::Error,
    profile: Profile::Safety,
    what: "A destructive step has no `preview`.",
    why: "Whoever confirms sees only a command with variables in it, not what it is about to destroy on this host. \
          GitLab's database of January 2017 was deleted on the wrong host by a correct command.",
    source: "GitLab, Postmortem of database outage of January 31 (2017).",
    bad: "- id: old\n  name: Delete old releases\n  effect: destructive\n  run: rm -rf -- /srv/app/releases/old",
    good: "- id: old\n  name: Delete old releases\n  effect: destructive\n  preview: ls -l /srv/app/releases/old\n  run: rm -rf -- /srv/app/releases/old",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let steps = subject.runbook.steps.iter().enumerate();
    let blind = steps.filter(|(_, step)| {
        let destroys = matches!(
            step.action,
            Action::Run { effect: Effect::Destructive, .. } | Action::Script { effect: Effect::Destructive, .. }
        );
        destroys && step.preview.is_none()
    });
    blind
        .map(|(index, step)| {
            let span = subject.source.span(&format!("steps[{index}].effect")).value;
            RULE.finding(subject, span, format!("step `{}` destroys something and shows nothing before it", step.id))
                .help("add `preview:` with a command that lists what would be destroyed")
        })
        .collect()
}
