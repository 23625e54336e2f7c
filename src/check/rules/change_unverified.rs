//! `change-unverified`: something is changed and nobody looks whether it helped.

use crate::check::rule::{Finder, Profile, Rule};
use crate::check::subject::Subject;
use crate::diagnostic::{Diagnostic, Severity};
use crate::runbook::model::{Action, Effect, Step, Wait};

pub(in crate::check) const RULE: Rule = Rule {
    name: "change-unverified",
    severity: Severity::Warning,
    profile: Profile::Safety,
    what: "A step changes something, has no `verify`, and no reading step comes before the next change.",
    why: "Exit 0 says that a command ran, not that it helped: `systemctl restart` succeeds and the service dies a \
          second later. The next step then builds on something that is not so.",
    source: "Degani and Wiener, Cockpit Checklists: Concepts, Design, and Use (1993): a response states the value \
             that was seen, not that the item was done.",
    bad: "- id: restart\n  name: Restart nginx\n  run: systemctl restart nginx",
    good: "- id: restart\n  name: Restart nginx\n  run: systemctl restart nginx\n  verify:\n    check: curl -fsS -m 5 http://localhost/health\n    every: 2s\n    for: 30s",
    finder: Finder::Check(check),
};

fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let steps = &subject.runbook.steps;
    let unverified = steps
        .iter()
        .enumerate()
        .filter(|(index, step)| changes(step) && step.verify.is_none() && !is_read_back(&steps[index + 1..]));
    unverified
        .map(|(index, step)| {
            let field = if matches!(step.action, Action::Script { .. }) { "script" } else { "run" };
            let span = subject.key(&format!("steps[{index}].{field}"));
            RULE.finding(subject, span, format!("nothing shows whether the change of step `{}` worked", step.id))
                .help("add `verify:` with a `check` that holds once it worked, or a reading step behind it")
        })
        .collect()
}

fn changes(step: &Step) -> bool {
    match &step.action {
        Action::Run { effect, .. } | Action::Script { effect, .. } => *effect != Effect::Check,
        Action::Check { .. } | Action::Manual { .. } | Action::Wait(_) | Action::Use { .. } | Action::Notify { .. } => {
            false
        }
    }
}

/// A step that reads comes before one that changes. Another runbook's steps are not known here: no finding.
fn is_read_back(following: &[Step]) -> bool {
    for step in following {
        match &step.action {
            Action::Check { .. } | Action::Wait(Wait::Until { .. }) | Action::Use { .. } => return true,
            Action::Manual { ask, .. } if !ask.is_empty() => return true,
            Action::Manual { .. } | Action::Wait(Wait::For(_)) | Action::Notify { .. } => {}
            Action::Run { .. } | Action::Script { .. } if changes(step) => return false,
            Action::Run { .. } | Action::Script { .. } => return true,
        }
    }
    false
}
